/** A Locator for the server of `whereshot serve`: one POST for all photos; problem documents (RFC 9457) become words. */
import { LocateError, type Answer, type LocateOptions, type Locator, type PageInfo, type Prediction } from "./locator";
import { LINES_TYPE } from "./shared";

const TOKEN = "whereshot-token";

/** The server needs a token, or does not accept the given one. */
export class TokenError extends LocateError {}

export class ServerLocator implements Locator {
  async page(): Promise<PageInfo> {
    return (await ask("v1/page")) as PageInfo;
  }

  async locate(files: File[], options: LocateOptions = {}): Promise<Answer> {
    const form = new FormData();
    for (const file of files) form.append("photos", file, file.name);
    const { signal, onPhoto, ...fields } = options;
    for (const [name, value] of Object.entries(fields))
      if (value !== undefined && value !== "") form.append(name, String(value));
    const request = { method: "POST", body: form, signal: signal ?? null };
    if (files.length < 2) return (await ask("v1/locate", request)) as Answer;
    return readLines(await send("v1/locate", request, LINES_TYPE), onPhoto);
  }
}

/** The visitor's token, which is stored until this tab is closed. */
export function storedToken(): string | null {
  return sessionStorage.getItem(TOKEN);
}

export function storeToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Fetch a JSON document from the server. Rejects with a LocateError that has the text of the problem document. */
export async function ask(path: string, request: RequestInit = {}): Promise<unknown> {
  const response = await send(path, request);
  const document: unknown = await response.json().catch(() => null);
  if (document === null) throw new LocateError("The server's answer is incomplete. Try again.");
  return document;
}

/** Send a request and return the response. Rejects with a LocateError where the status is an error. */
export async function send(path: string, request: RequestInit = {}, form = "application/json"): Promise<Response> {
  const token = storedToken();
  const headers = { Accept: form, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  let response: Response;
  try {
    response = await fetch(path, { ...request, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new LocateError("The server does not answer. Is whereshot serve still running?");
  }
  if (response.ok) return response;
  if (response.status === 401) {
    sessionStorage.removeItem(TOKEN);
    throw new TokenError("The server does not know this token.");
  }
  const document: unknown = await response.json().catch(() => null);
  throw new LocateError(problemWords(response.status, document, response.headers.get("Retry-After")));
}

type Line =
  | { index: number; of: number; prediction: Prediction }
  | { model: string; album: Answer["album"] }
  | { problem: Problem & { status: number } };

/** Read an answer that has one line per photo. Rejects with a LocateError where the last line is a problem. */
export async function readLines(response: Response, onPhoto?: LocateOptions["onPhoto"]): Promise<Answer> {
  const predictions: Prediction[] = [];
  const decoder = new TextDecoder();
  const reader = response.body!.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      return { done: true, value: undefined };
    });
    if (done) throw new LocateError("The server's answer is incomplete. Try again.");
    const lines = (text + decoder.decode(value, { stream: true })).split("\n");
    text = lines.pop()!;
    for (const line of lines) {
      const read = JSON.parse(line) as Line;
      if ("problem" in read) throw new LocateError(problemWords(read.problem.status, read.problem, null));
      if (!("prediction" in read)) return { ...read, predictions };
      predictions[read.index] = read.prediction;
      onPhoto?.(read.index, read.prediction);
    }
  }
}

interface Problem {
  title?: string;
  detail?: string;
  errors?: { id: string; detail: string }[];
}

/** Return a problem document (RFC 9457) as a sentence for the visitor. */
export function problemWords(status: number, document: unknown, retryAfter: string | null): string {
  const { title, detail, errors } = (document ?? {}) as Problem;
  if (status === 429 || status === 503) {
    const wait = Number(retryAfter) > 0 ? `in ${retryAfter} seconds` : "in a moment";
    return `The server is busy. Try again ${wait}.`;
  }
  if (errors?.length)
    return errors.map(({ id, detail: why }) => stopped(why.startsWith(id) ? why : `${id}: ${why}`)).join(" ");
  const text = detail ?? title;
  if (text) return sentence(text);
  return status === 413
    ? "These photos exceed the limit of the server."
    : `The server answered ${status} without a reason.`;
}

const sentence = (text: string): string => stopped(text.charAt(0).toUpperCase() + text.slice(1));
const stopped = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
