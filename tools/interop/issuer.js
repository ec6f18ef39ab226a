// An OIDC issuer on a free port of this machine, with one client, casus, that comes
// back to the address given. It prints its own address, and ends with its input.
//
//   node issuer.js http://localhost:8080/sign-in/oidc/back
//
// Anybody is let in by any password, as the subject that he types.
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const back = process.argv[2]
const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'casus', client_secret: 'a secret of the test', redirect_uris: [back],
      grant_types: ['authorization_code'], response_types: ['code'],
    }],
    cookies: { keys: ['the key of the test'] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: 'ada@example.org' }) }),
  })
  server.on('request', provider.callback())
  console.log(issuer)
})
process.stdin.on('end', () => process.exit(0)).resume()
