package web

// frenchWords is the French catalogue, with the same keys as the English one.
var frenchWords = map[string]string{
	// Frame.
	"skip": "Aller au contenu", "handling": "Traitement de cette page", "exercise": "EXERCISE", "exercise.data": "exercice, données fictives",
	"nav": "Menu principal", "drawn": "Page établie à {0}", "asjson": "en JSON", "today": "aujourd’hui", "close": "Fermer", "cancel": "Annuler",
	"theme.system": "Suivre les couleurs du système", "theme.dark": "Couleurs sombres", "theme.light": "Couleurs claires",
	"copy": "Copier {0} en clair", "copied": "{0} copié",
	"search.box": "Chercher ou coller", "search.label": "Chercher indicateurs, objets, rapports",
	"keys": "Touches", "keys.search": "chercher", "keys.reports": "rapports", "keys.sources": "sources", "keys.new": "remettre un rapport",
	"keys.move": "ligne suivante, précédente", "keys.open": "ouvrir", "keys.help": "cette liste", "keys.on": "Touches actives",

	// Counts.
	"n.reports.one": "{0} rapport", "n.reports.other": "{0} rapports",
	"n.sources.one": "{0} source", "n.sources.other": "{0} sources",
	"n.objects.one": "{0} objet", "n.objects.other": "{0} objets",
	"n.values.one": "{0} valeur", "n.values.other": "{0} valeurs",
	"n.links.one": "{0} lien", "n.links.other": "{0} liens",
	"n.files.one": "{0} fichier", "n.files.other": "{0} fichiers",
	"n.hits.one": "{0} résultat", "n.hits.other": "{0} résultats",

	// Columns and facts.
	"col.received": "Reçu", "col.report": "Rapport", "col.source": "Source", "col.format": "Format", "col.marking": "Marquage",
	"col.objects": "Objets", "col.values": "Valeurs", "col.aside": "Mis de côté", "col.type": "Type", "col.name": "Nom",
	"col.version": "Version", "col.file": "Fichier", "col.size": "Taille", "col.share": "Part", "col.match": "Concordance",
	"col.seenby": "Vu par", "col.span": "Premier, dernier", "col.why": "Pourquoi c’est utile", "col.place": "Endroit", "col.reason": "Raison",
	"col.remedy": "Que faire", "col.found": "Trouvé", "col.value": "Valeur", "col.mentions": "Mentions", "col.note": "Remarque",
	"col.how": "Comment", "col.id": "Identifiant", "col.receipts": "Réceptions", "col.digest": "SHA-256", "col.from": "De", "col.to": "Vers",
	"col.default": "Marquage par défaut", "col.zone": "Fuseau horaire", "col.trust": "Fiabilité", "col.reports": "Rapports", "col.last": "Dernier rapport",
	"col.act": "Modifier",

	// Reports.
	"reports": "Rapports", "reports.sub": "{0} que vous pouvez lire, de {1}", "reports.all": "Tous les rapports", "reports.from": "De {0}",
	"reports.filtered": "Avec « {0} »", "reports.newest": "revenir aux plus récents", "reports.newestfirst": "du plus récent au plus ancien",
	"reports.filter": "Filtrer par mots", "filter": "Filtrer", "filter.off": "Tout afficher", "older": "Rapports plus anciens", "more": "Autres résultats",
	"more.n":                   "{0} de plus dans le JSON",
	"reports.none":             "Aucun rapport pour l’instant",
	"reports.none.do":          "Remettez un lot STIX, un événement MISP, un fichier CSV, un courriel ou un texte collé. Casus le garde octet par octet et dit qui d’autre a vu la même chose.",
	"reports.none.filtered":    "Aucun rapport ne correspond à ce filtre",
	"reports.none.filtered.do": "Essayez moins de mots, ou cherchez un indicateur dans la case ci-dessus.",
	"reports.bysource":         "par nom", "sources.settings": "réglages",
	"tag.exercise": "exercice", "tag.unfinished": "inachevé", "imputed": "supposé",
	"imputed.long": "Le rapport ne porte pas de marquage ; celui de sa source est supposé.",
	"marked.own":   "Marquage porté par le rapport.",

	// One report.
	"report.from": "de {0}", "report.received": "reçu {0}",
	"report.unfinished": "Ce rapport est inachevé : sa réception a été interrompue et les autres ne le voient pas encore. Remettez le même fichier pour le compléter ; rien ne sera doublé.",
	"arrived":           "Reçu.", "arrived.n": "Nouveaux : {0}, déjà connus : {1}, mis de côté : {2}.",
	"camein": "Ce qui est arrivé", "camein.whole": "Tout a été lu ; l’original est gardé octet par octet.", "camein.another": "En remettre un autre",
	"aside.some.one": "{0} élément illisible a été mis de côté ; le reste est enregistré.", "aside.some.other": "{0} éléments illisibles ont été mis de côté ; le reste est enregistré.",
	"aside.see": "lesquels et pourquoi", "aside": "Mis de côté", "aside.sub": "gardé tel que reçu ; tout le reste est enregistré", "aside.short": "gardé, avec endroit et raison",
	"aside.n": "{0} mis de côté", "aside.done": "repris depuis",
	"objects": "Objets", "objects.sub": "tels qu’ils figurent dans le rapport", "objects.first": "les {0} premiers sur {1}", "objects.none": "Ce rapport ne contient aucun objet.",
	"handling.h": "Traitement", "kept": "gardé tel que reçu", "types": "Par type",

	// Who else saw this.
	"who": "Qui d’autre l’a vu", "who.where": "parmi {0} que vous pouvez lire, de {1}", "who.of": "{0} sur {1}", "who.too": "", "who.elsewhere": "figurent dans d’autres rapports",
	"who.others.one": "{0} autre source", "who.others.other": "{0} autres sources", "who.did.one": "a aussi signalé", "who.did.other": "ont aussi signalé",
	"who.common.one": "{0} est courante et classée en dernier", "who.common.other": "{0} sont courantes et classées en dernier",
	"who.nobody":        "Personne d’autre pour l’instant.",
	"who.nobody.of.one": "Aucune autre source n’a signalé la seule valeur de ce rapport, parmi ce que vous pouvez lire.", "who.nobody.of.other": "Aucune autre source n’a signalé l’une des {0} valeurs distinctes de ce rapport, parmi ce que vous pouvez lire.",
	"who.novalues": "Ce rapport ne contient aucune valeur à rapprocher.", "who.last": "Courant, classé en dernier",
	"who.nothingleft": "Rapproché dans ce nœud ; rien n’en est sorti.",
	"basis.receipt":   "réception", "basis.receipt.long": "L’heure de l’événement n’est pas donnée ; ce sont des heures de réception.",

	// Handing in.
	"intake": "Remettre", "intake.sub": "un fichier, un courriel ou un texte collé", "intake.from": "D’où cela vient",
	"intake.source.n": "Qui le signale. Vide : ce bureau.", "intake.title": "Titre", "intake.title.n": "Vide : celui du rapport ou le nom du fichier.",
	"intake.tlp": "Marquage de ce qui n’en porte pas", "intake.tlp.none": "celui de la source",
	"intake.tlp.n":        "Un marquage plus large dans le rapport est ramené à celui-ci, un plus étroit demeure. Une source sans réglage compte comme TLP:RED.",
	"intake.format.auto":  "à trouver dans le contenu",
	"intake.exercise":     "Fait partie d’un exercice",
	"intake.exercise.all": "Tout sur ce nœud est une donnée d’exercice.",
	"intake.what":         "Ce que vous remettez", "intake.what.sub": "rien n’est modifié, rien n’est perdu", "intake.drop": "Déposez des fichiers ici.",
	"intake.chosen.none": "STIX, MISP, CSV, courriel ou texte", "intake.chosen.some": "Choisi : {0}", "intake.choose": "ou choisissez des fichiers",
	"intake.paste": "Ou collez", "intake.paste.ex": "198.51.100[.]7\nhxxps://update.example/login",
	"intake.do": "Recevoir et rapprocher", "intake.busy": "Lecture…", "intake.stays": "reste dans ce nœud",
	"next": "Ce qui suit", "next.1": "Gardé.", "next.1.t": "Les octets sont enregistrés tels quels avant toute autre chose.",
	"next.2": "Lu.", "next.2.t": "Élément par élément. Ce qui est illisible est mis de côté avec l’endroit, la raison et le remède.",
	"next.3": "Rapproché.", "next.3.t": "Vous voyez quels autres rapports et sources mentionnent la même chose, et pourquoi c’est utile. Ce qui est courant est classé en dernier.",
	"next.4": "Non partagé.", "next.4.t": "Rien ne sort de ce nœud.",
	"reads": "Ce qui peut être lu", "reads.stix": "2.0 et 2.1 : lot, liste ou un objet par ligne ; aussi .gz et .zip", "reads.misp": "événements et flux",
	"reads.csv": "colonnes trouvées par leur nom ou par la table de la source", "reads.mail": ".eml avec ses pièces jointes", "reads.text": "indicateurs dans un texte, aussi écrits hxxp, [.] ou (at)",
	"taken": "Reçu", "pasted": "texte collé", "known": "connu", "unread": "non lu",
	"res.received": "Reçus", "res.received.n": "éléments, y compris mis de côté", "res.new": "Nouveaux", "res.new.n": "pas encore détenus",
	"res.known": "Connus", "res.known.n": "déjà détenus, identiques", "res.conflicting": "Contradictoires", "res.conflicting.n": "même version, autre contenu ; tout est gardé",

	// Search.
	"search": "Recherche", "search.title": "Recherche : {0}", "search.do": "Chercher", "search.box.long": "Indicateur, plage d’adresses, nom, mots ou identifiant",
	"search.how": "Ce que vous pouvez chercher", "search.how.value": "Une adresse, un nom d’hôte, un lien, une empreinte, une CVE ou une technique, en clair ou neutralisé :",
	"search.how.cidr": "Toutes les adresses d’une plage, et les plages qui la contiennent :", "search.how.words": "Noms, alias, titres, étiquettes et texte des rapports ; le début d’un mot suffit.",
	"search.how.id": "D’un rapport ou d’un objet :", "search.none": "Rien trouvé parmi ce que vous pouvez lire",
	"search.none.do": "Vérifiez l’orthographe, essayez le début d’un mot ou une plage entière comme 203.0.113.0/24. Si vous avez un rapport à ce sujet, remettez-le : les suivants en seront rapprochés.",
	"kind.id":        "un identifiant", "kind.value": "une valeur", "kind.cidr": "une plage d’adresses", "kind.words": "des mots", "kind.": "",

	// Objects.
	"object.conflict":  "Reçu avec des contenus différents sous la même version. Toutes les formes sont gardées ; aucune n’est préférée.",
	"object.marking.n": "Le plus étroit des marquages de toutes les réceptions que vous pouvez lire.",
	"values":           "Valeurs", "values.sub": "ce qu’il mentionne, et combien d’autres le font", "values.none": "Il ne mentionne aucune valeur à rapprocher.",
	"linked": "Liens", "linked.sub": "ce à quoi il renvoie, et ce qui renvoie à lui", "linked.none": "Rien n’y est encore lié.", "nothere": "pas ici",
	"raw": "Tel que reçu", "raw.sub": "version la plus récente, montrée comme texte", "raw.open": "Montrer les octets", "raw.cut": "Seuls les 64 premiers Ko sont montrés ; le tout est dans le JSON.",
	"receipts": "Réceptions", "receipts.sub": "chaque arrivée", "versions": "Versions", "versions.sub": "de la plus récente à la plus ancienne", "conflicting": "contradictoire",
	"graph": "Voisins", "graph.open": "Voisins", "graph.back": "Revenir à l’objet", "graph.sub": "à deux pas", "graph.title": "Voisins de {0}",
	"graph.rest": "et d’autres", "graph.left": "{0} de plus non dessinés", "graph.scrolls": "Voisins, défile sur le côté", "graph.label": "{0} et ce qui y est lié : {1}, {2}. Le tableau ci-dessous dit la même chose.",
	"graph.table": "La même chose en tableau", "graph.table.sub": "un lien par ligne",

	// Sources.
	"sources": "Sources", "sources.sub": "qui remet quoi, sous quel marquage", "sources.none": "Aucune source pour l’instant",
	"sources.none.do": "Une source apparaît avec son premier rapport ; vous pouvez aussi la régler ici d’avance.", "sources.edit": "Régler une source", "sources.edit.of": "Modifier {0}",
	"sources.other": "une autre", "sources.name": "Nom", "sources.tlp.none": "aucun", "sources.zone.n": "Nom IANA, pour les heures sans fuseau.",
	"sources.trust.n": "Fiabilité selon l’échelle de l’Amirauté.", "sources.fromnow": "pour ce qui arrivera désormais",
	"sources.unmarked": "Ce qui arrive sans marquage prend celui de sa source, et il est montré comme supposé. Sans réglage, c’est TLP:RED.",
	"edit":             "modifier", "save": "Enregistrer", "saved": "Enregistré.", "saved.n": "Vaut pour ce que {0} remettra désormais.", "notset": "aucun",
	"trust.A": "tout à fait fiable", "trust.B": "généralement fiable", "trust.C": "assez fiable", "trust.D": "rarement fiable",
	"trust.E": "non fiable", "trust.F": "ne peut être évaluée",

	// Faults.
	"fault.notfound": "Rien ici", "fault.notfound.text": "Il n’y a rien à cette adresse, ou rien qui vous ait été communiqué.",
	"fault.invalid": "Illisible", "fault.invalid.text": "Quelque chose dans ce qui a été envoyé n’est pas conforme. Rien n’a été modifié.",
	"fault.denied": "Refusé", "fault.denied.text": "Un marquage ou un rôle l’interdit. Rien n’a été modifié.",
	"fault.conflict": "Modifié entre-temps", "fault.conflict.text": "Cela contredit ce qui est enregistré. Regardez de nouveau et décidez.",
	"fault.unavailable": "Impossible pour l’instant", "fault.unavailable.text": "Le nœud ne peut pas le faire en ce moment. Ce qu’il a confirmé est en sûreté ; réessayez sous peu.",
	"fault.internal": "Une panne de ce nœud", "fault.internal.text": "La cause est dans le journal du nœud. Ce qu’il a confirmé est en sûreté.",

	// Formats.
	"format.": "inconnu", "format.stix": "STIX", "format.misp": "MISP", "format.csv": "CSV", "format.jsonl": "lignes JSON", "format.mail": "Courriel", "format.text": "Texte",

	// Types of objects and values.
	"type.attack-pattern": "technique", "type.campaign": "campagne", "type.course-of-action": "mesure", "type.grouping": "regroupement",
	"type.identity": "identité", "type.incident": "incident", "type.indicator": "indicateur", "type.infrastructure": "infrastructure",
	"type.intrusion-set": "groupe d’intrusion", "type.location": "lieu", "type.malware": "logiciel malveillant", "type.malware-analysis": "analyse de logiciel",
	"type.note": "note", "type.observed-data": "données observées", "type.opinion": "avis", "type.report": "rapport", "type.threat-actor": "acteur malveillant",
	"type.tool": "outil", "type.vulnerability": "vulnérabilité", "type.relationship": "relation", "type.sighting": "observation",
	"type.marking-definition": "marquage", "type.extension-definition": "extension", "type.language-content": "traduction",
	"type.event": "événement", "type.impact": "effet", "type.task": "tâche",
	"type.artifact": "artefact", "type.autonomous-system": "système autonome", "type.directory": "répertoire", "type.domain-name": "domaine",
	"type.email-addr": "adresse électronique", "type.email-message": "courriel", "type.file": "fichier", "type.ipv4-addr": "adresse IPv4", "type.ipv6-addr": "adresse IPv6",
	"type.mac-addr": "adresse MAC", "type.mutex": "mutex", "type.network-traffic": "trafic réseau", "type.process": "processus", "type.software": "logiciel",
	"type.url": "lien", "type.user-account": "compte", "type.windows-registry-key": "clé de registre", "type.x509-certificate": "certificat",
	"type.ipv4": "adresse IPv4", "type.ipv6": "adresse IPv6", "type.cidr": "plage d’adresses", "type.domain": "domaine", "type.email": "adresse électronique",
	"type.md5": "fichier, MD5", "type.sha1": "fichier, SHA-1", "type.sha256": "fichier, SHA-256", "type.sha512": "fichier, SHA-512", "type.filename": "nom de fichier",
	"type.path": "chemin de fichier", "type.mac": "adresse MAC", "type.asn": "système autonome", "type.regkey": "clé de registre", "type.useragent": "agent utilisateur",
	"type.sha224": "fichier, SHA-224", "type.sha384": "fichier, SHA-384", "type.sha3-224": "fichier, SHA3-224", "type.sha3-256": "fichier, SHA3-256", "type.sha3-384": "fichier, SHA3-384",
	"type.sha3-512": "fichier, SHA3-512", "type.ssdeep": "fichier, ssdeep", "type.tlsh": "fichier, TLSH", "type.imphash": "fichier, empreinte d’import", "type.hash": "empreinte", "type.serial": "numéro de série",
	"type.port": "port", "type.vendor": "fabricant", "type.account": "compte", "type.command": "ligne de commande", "type.subject": "objet du courriel", "type.messageid": "identifiant de message",
	"type.dn": "nom distinctif", "type.service": "service", "type.ja3s": "JA3S",
	"type.cve": "vulnérabilité", "type.technique": "technique", "type.wallet": "portefeuille", "type.ja3": "JA3", "type.jarm": "JARM",
}
