// The one script of the pages. Everything works without it; it adds keys, the
// copy buttons, file drop, a ticking clock and a theme switch without a reload.

const root = document.documentElement;

const find = <E extends Element = HTMLElement>(selector: string): E | null => document.querySelector<E>(selector);

const all = <E extends Element = HTMLElement>(selector: string): E[] => [...document.querySelectorAll<E>(selector)];

// remember keeps a setting of the face in a cookie, so that the server draws
// the next page right the first time.
const remember = (name: string, value: string): void => {
  document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=strict`;
};

// say tells those who cannot see the page what has happened.
const say = (text: string): void => {
  const at = find("#said");
  if (at) at.textContent = text;
};

const clock = (): void => {
  const at = find<HTMLTimeElement>("#clock");
  if (!at) return;
  // The server's time counts; the browser only measures what has passed since.
  const drawn = Date.parse(at.dateTime);
  const loaded = performance.now();
  setInterval(() => {
    const now = new Date(drawn + performance.now() - loaded).toISOString();
    at.textContent = now.slice(11, 19) + "Z";
    at.dateTime = now;
  }, 1000);
};

const theme = (): void => {
  const link = find<HTMLAnchorElement>("#theme");
  const order = ["system", "dark", "light"];
  link?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const next = link.dataset.next ?? "system";
    root.dataset.theme = next;
    remember("theme", next);
    link.dataset.next = order[(order.indexOf(next) + 1) % order.length];
  });
};

const copying = (): void => {
  document.addEventListener("click", async (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy ?? "");
    } catch {
      return; // the browser refuses; the words stay as they are
    }
    button.classList.add("done");
    say(button.dataset.done ?? "");
    setTimeout(() => button.classList.remove("done"), 1200);
  });
};

const intake = (): void => {
  const form = find<HTMLFormElement>("#intake");
  const drop = find("#drop");
  const file = find<HTMLInputElement>("#file");
  const chosen = find("#chosen");
  if (!form || !drop || !file || !chosen) return;
  const show = (): void => {
    const names = [...(file.files ?? [])].map((f) => f.name);
    chosen.textContent = names.length ? (chosen.dataset.some ?? "").replace("{0}", names.join(", ")) : (chosen.dataset.none ?? "");
    drop.classList.toggle("has", names.length > 0);
    if (names.length) say(chosen.textContent);
  };
  file.addEventListener("change", show);
  // Files may be dropped anywhere on the page, so that none opens by mistake.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (!event.dataTransfer?.files.length) return;
    file.files = event.dataTransfer.files;
    show();
  });
  // A file pasted anywhere is taken; pasted text outside a field fills the box.
  addEventListener("paste", (event) => {
    const data = event.clipboardData;
    if (data?.files.length) {
      event.preventDefault();
      file.files = data.files;
      show();
      return;
    }
    const text = find<HTMLTextAreaElement>("#text");
    if (!text || (event.target as Element).matches("input,textarea,select")) return;
    text.value += data?.getData("text/plain") ?? "";
    text.focus();
  });
  form.addEventListener("submit", (event) => {
    const button = find<HTMLButtonElement>("#intake button[data-busy]");
    if (!button) return;
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    const words = button.textContent;
    button.textContent = button.dataset.busy ?? "";
    button.setAttribute("aria-disabled", "true");
    say(button.textContent);
    const again = (): void => {
      button.textContent = words;
      button.removeAttribute("aria-disabled");
    };
    // Coming back by the browser's own button finds the form as it was.
    addEventListener("pageshow", again, { once: true });
    send(form, again);
  });
};

// send hands the form in and shows how far it is: first what is sent, then what
// the node tells by events while it reads.
const send = (form: HTMLFormElement, again: () => void): void => {
  const going = find("#going");
  const bar = find<HTMLProgressElement>("#going-bar");
  const text = find("#going-text");
  if (!going || !bar || !text) return form.submit();
  let said = 0;
  const show = (percent: number, words: string): void => {
    going.hidden = false;
    bar.value = percent;
    text.textContent = words;
    const now = performance.now();
    if (now - said > 5000) {
      said = now;
      say(`${words} (${percent} %)`);
    }
  };
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/event-stream");
  let read = 0;
  let ended = false;
  // draw puts a page from the node in the place of this one.
  const draw = (html: string): void => {
    ended = true;
    document.open();
    document.write(html);
    document.close();
  };
  const streamed = (): boolean => (request.getResponseHeader("Content-Type") ?? "").startsWith("text/event-stream");
  const follow = (): void => {
    if (!streamed()) return;
    for (let end = 0; (end = request.responseText.indexOf("\n\n", read)) >= 0; read = end + 2) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(request.responseText.slice(read, end)) ?? [];
      if (!name || ended) continue;
      const told = JSON.parse(data);
      if (name === "progress") show(told.percent, told.text);
      if (name === "page") draw(told);
      if (name === "see") {
        ended = true;
        location.assign(told);
      }
    }
  };
  request.upload.addEventListener("progress", (event) => {
    const percent = event.total ? Math.floor((100 * event.loaded) / event.total) : 0;
    show(percent, (text.dataset.sent ?? "").replace("{0}", String(percent)));
  });
  request.addEventListener("progress", follow);
  request.addEventListener("loadend", () => {
    if (streamed()) follow();
    else if (request.responseText) draw(request.responseText);
    if (ended) return;
    show(0, text.dataset.lost ?? "");
    say(text.textContent ?? "");
    again();
  });
  request.send(new FormData(form));
};

// move puts the focus on the next or previous line of the page's tables.
const move = (step: number): void => {
  const lines = all<HTMLAnchorElement>("a[data-go]").filter((a) => a.offsetParent !== null);
  if (!lines.length) return;
  const here = lines.indexOf(document.activeElement as HTMLAnchorElement);
  const to = here < 0 ? (step > 0 ? 0 : lines.length - 1) : Math.min(lines.length - 1, Math.max(0, here + step));
  lines[to].focus();
};

const keys = (): void => {
  const help = find<HTMLDialogElement>("#help");
  const box = find<HTMLInputElement>("#keys");
  box?.addEventListener("change", () => {
    root.dataset.keys = box.checked ? "on" : "off";
    remember("keys", root.dataset.keys);
  });
  find("#keys-open")?.addEventListener("click", () => help?.showModal());
  let leader = 0;
  addEventListener("keydown", (event) => {
    const target = event.target as Element;
    if (root.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("input,textarea,select") || help?.open) return;
    if (event.timeStamp - leader < 1000) {
      leader = 0;
      const to = ({ r: "/reports", s: "/sources" } as Record<string, string>)[event.key];
      if (to) {
        location.href = to;
        return;
      }
    }
    switch (event.key) {
      case "/":
        event.preventDefault();
        find<HTMLInputElement>("#q")?.focus();
        break;
      case "g":
        leader = event.timeStamp;
        break;
      case "n":
        location.href = "/reports/new";
        break;
      case "j":
        move(1);
        break;
      case "k":
        move(-1);
        break;
      case "?":
        help?.showModal();
        break;
    }
  });
};

interface Asked {
  id?: string;
  ask?: { publicKey: PublicKeyCredentialRequestOptionsJSON & PublicKeyCredentialCreationOptionsJSON };
  to?: string;
}

const exchange = async (path: string, body: object): Promise<Asked> => {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
};

// ceremony asks for a passkey with what the node gave, and takes the answer back.
const ceremony = async (path: string, more: object, use: (asked: Asked) => Promise<Credential | null>): Promise<void> => {
  const no = find("#passkey-no");
  try {
    if (no) no.hidden = true;
    const asked = await exchange(path + "/ask", {});
    const answer = await use(asked);
    const done = await exchange(path, { id: asked.id, answer, ...more });
    location.href = done.to ?? "/";
  } catch {
    if (no) no.hidden = false; // refused, or given up
  }
};

const passkeys = (): void => {
  const signIn = find<HTMLButtonElement>("#passkey-in");
  const add = find<HTMLButtonElement>("#passkey-new");
  if (!globalThis.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) return;
  for (const button of [signIn, add]) if (button) button.hidden = false;
  signIn?.addEventListener("click", () =>
    ceremony("/sign-in/passkey", { to: signIn.dataset.to }, (asked) =>
      navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.ask!.publicKey) }),
    ),
  );
  add?.addEventListener("click", () =>
    ceremony("/account/passkey", { label: new Date().toISOString().slice(0, 10) }, (asked) =>
      navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.ask!.publicKey) }),
    ),
  );
};

clock();
passkeys();
theme();
copying();
intake();
keys();
