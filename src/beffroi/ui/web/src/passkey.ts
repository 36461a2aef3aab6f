// Passkeys: fills a plain form with what the browser's authenticator answers, and sends it.
// The page works out nothing by itself: the hub checks the answer, and so does the guard.
import { words } from "./words";

type Answers = Record<string, ArrayBuffer | string>;

function bytes(text: string): ArrayBuffer {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0)).buffer;
}

function base64url(data: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(data));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function options<T>(form: HTMLFormElement): Promise<T> {
  const create = form.dataset.passkey === "create";
  const response = await fetch(form.dataset.options ?? "", {
    method: create ? "POST" : "GET",
    headers: {
      accept: "application/json",
      "content-type": "application/json",
      "x-csrf-token": document.body.dataset.csrf ?? "",
    },
    body: create ? JSON.stringify({ name: new FormData(form).get("name") }) : null,
  });
  if (!response.ok) throw new Error(`${response.status}`);
  return (await response.json()) as T;
}

interface Known {
  id: string;
  type: "public-key";
}

function known(list: Known[] | undefined): PublicKeyCredentialDescriptor[] {
  return (list ?? []).map((one) => ({ id: bytes(one.id), type: one.type }));
}

async function created(form: HTMLFormElement): Promise<Answers> {
  interface Asked extends Omit<PublicKeyCredentialCreationOptions, "challenge" | "user"> {
    challenge: string;
    user: { id: string; name: string; displayName: string };
    excludeCredentials?: never[];
  }
  const asked = await options<Asked>(form);
  const made = (await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials),
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    attestationObject: response.attestationObject,
    clientDataJSON: response.clientDataJSON,
  };
}

async function signed(form: HTMLFormElement): Promise<Answers> {
  interface Asked extends Omit<PublicKeyCredentialRequestOptions, "challenge"> {
    challenge: string;
    allowCredentials?: never[];
  }
  const asked = await options<Asked>(form);
  const made = (await navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      allowCredentials: known(asked.allowCredentials),
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAssertionResponse;
  return {
    id: made.id,
    authenticatorData: response.authenticatorData,
    clientDataJSON: response.clientDataJSON,
    signature: response.signature,
  };
}

function says(form: HTMLFormElement, text: string): void {
  const place = form.querySelector<HTMLElement>("[data-passkey-says]");
  if (!place) return;
  place.textContent = text;
  place.hidden = text === "";
}

async function run(form: HTMLFormElement): Promise<void> {
  says(form, "");
  let answers: Answers;
  try {
    answers = await (form.dataset.passkey === "create" ? created(form) : signed(form));
  } catch (error) {
    const stopped = error instanceof DOMException && error.name === "NotAllowedError";
    const twice = error instanceof DOMException && error.name === "InvalidStateError";
    if (twice) says(form, words("This device holds a passkey of yours already."));
    else if (stopped) says(form, words("Nothing was signed: you stopped, or it took too long."));
    else says(form, words("The passkey could not be used. Reload the page and try again."));
    return;
  }
  for (const [name, value] of Object.entries(answers)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement)
      field.value = typeof value === "string" ? value : base64url(value);
  }
  form.submit();
}

/** A piece of page that is read again brings new forms: they are looked for at each event too. */
function prepare(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-passkey]")) {
    if (!("credentials" in navigator) || !form.hidden) continue;
    form.hidden = false;
    for (const hint of document.querySelectorAll<HTMLElement>("[data-noscript]")) hint.hidden = true;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void run(form);
    });
  }
}
prepare();
document.addEventListener("beffroi:fresh", prepare);
