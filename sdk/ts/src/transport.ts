import {GaffError, type Failure} from './errors.js';
import {sign} from './signature.js';

/** How a client reaches its server. */
export interface Options {
  /** Default `http://127.0.0.1:8090`. */
  url?: string;
  /** Default: none, which is enough for `gaff dev`. */
  key?: string;
  /** Signs each request; for keys made with `--signed`. */
  signingSecret?: string;
  /** The app, for the operator's key; other keys say it themselves. */
  app?: string;
  /** Milliseconds for a whole call, with its retries; default 10,000. */
  timeout?: number;
  /** How often a call is tried again that was surely not carried out, or may be carried out twice; default 2. */
  retries?: number;
  /** Default: the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

/** One request. */
export interface Request {
  method: string;
  path: string;
  body?: unknown;
  /** It does no harm to carry it out twice. */
  safe: boolean;
  /** Of it the server takes one, however often it comes: the header Idempotency-Key. */
  once?: string;
}

/** The answer to a request: its status, and its body if it was JSON. */
export interface Answer {
  status: number;
  body: unknown;
  requestId: string | undefined;
}

const firstPause = 100;

/** Sends requests, in time, signed, and again where that is safe. */
export class Transport {
  readonly #options: Required<Pick<Options, 'timeout' | 'retries'>> & Options;
  readonly #base: string;

  constructor(options: Options) {
    this.#options = {...options, timeout: options.timeout ?? 10_000, retries: options.retries ?? 2};
    this.#base = (options.url ?? 'http://127.0.0.1:8090').replace(/\/+$/, '');
  }

  /** Returns the answer, whatever its status. No answer is a {@link GaffError}. */
  async send(request: Request): Promise<Answer> {
    const deadline = Date.now() + this.#options.timeout;
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= this.#options.retries;
      const pause = firstPause * 2 ** attempt * (0.5 + Math.random());
      try {
        const answer = await this.#try(request, deadline);
        if (last || !again(request, answer) || Date.now() + pause >= deadline) return answer;
      } catch (e) {
        if (last || !(e instanceof GaffError) || e.code !== 'CONNECTION') throw e;
        if (!(request.safe || request.once || refused(e)) || Date.now() + pause >= deadline) throw e;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #try(request: Request, deadline: number): Promise<Answer> {
    const {key, app, signingSecret} = this.#options;
    const body = request.body === undefined ? '' : JSON.stringify(request.body);
    const url = new URL(this.#base + request.path);
    const headers: Record<string, string> = {Accept: 'application/json'};
    if (body) headers['Content-Type'] = 'application/json';
    if (key) headers['X-Api-Key'] = key;
    if (app) headers['Gaff-App'] = app;
    if (request.once) headers['Idempotency-Key'] = request.once;
    if (signingSecret) Object.assign(headers, await sign(signingSecret, request.method, url.pathname + url.search, body));
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), Math.max(deadline - Date.now(), 0));
    try {
      const send = this.#options.fetch ?? globalThis.fetch;
      const response = await send(url, {method: request.method, headers, signal: abort.signal, ...(body ? {body} : {})});
      const text = await response.text();
      return {status: response.status, body: parse(text), requestId: response.headers.get('X-Request-Id') ?? undefined};
    } catch (e) {
      if (abort.signal.aborted) throw new GaffError({code: 'TIMEOUT', message: `no answer within ${this.#options.timeout} ms`}, 0, e);
      throw new GaffError({code: 'CONNECTION', message: 'the server cannot be reached, or broke off'}, 0, e);
    } finally {
      clearTimeout(timer);
    }
  }
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Says what an answer that is no success tells of the failure. */
export function failure(answer: Answer): GaffError {
  const said = (answer.body as {error?: Failure} | undefined)?.error;
  const requestId = said?.requestId ?? answer.requestId;
  const told = said ?? {code: 'SERVICE_ERROR', message: `the server answered ${answer.status}`};
  return new GaffError(requestId === undefined ? told : {...told, requestId}, answer.status);
}

/** Reports whether the same request may succeed in a moment, and was not carried out or may be twice. */
function again(request: Request, answer: Answer): boolean {
  if (answer.status !== 429 && answer.status !== 503) return false;
  const e = failure(answer);
  return e.details['outcome'] !== 'unknown' || request.safe || request.once !== undefined;
}

/** Reports whether there was nobody at the address, so that nothing was sent. */
function refused(e: GaffError): boolean {
  const cause = (e.cause as {cause?: {code?: string}} | undefined)?.cause;
  return cause?.code === 'ECONNREFUSED' || cause?.code === 'ENOTFOUND';
}
