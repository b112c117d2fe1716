import {failure, type Transport} from './transport.js';

/** What an event carries; every field is optional. */
export interface EventPayload {
  id?: string;
  message?: unknown;
  query?: unknown;
  hint?: unknown;
  key?: string;
  original?: unknown;
  result?: unknown;
  error?: {code?: string; message?: string; status?: number};
  headers?: Record<string, string>;
  session?: unknown;
  context?: unknown;
}

/** What the before hooks of a call decide. Only what they replaced is there. */
export interface Verdict {
  status: number;
  message?: any;
  query?: any;
  hint?: any;
  result?: any;
  context?: any;
  warnings?: string[];
  respond?: {status: number; body?: any};
  error?: {code: string; message: string; hook?: string; fields?: {field?: string; message: string}[]};
}

/** Sends the events of a service's calls. */
export class Events {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Asks the before hooks of a call. A verdict that stops the call is no error. */
  async ask(service: string, operation: string, payload: EventPayload = {}): Promise<Verdict> {
    return this.#send<Verdict>({...payload, service, operation, phase: 'before'});
  }

  /** Tells of a call that was made, and returns the event's id once it is stored. It may be repeated: the id makes it one. */
  async publish(service: string, operation: string, phase: 'after' | 'failed', payload: EventPayload = {}): Promise<string> {
    const id = payload.id ?? crypto.randomUUID();
    return (await this.#send<{id: string}>({...payload, id, service, operation, phase})).id;
  }

  async #send<R>(body: Record<string, unknown>): Promise<R> {
    const answer = await this.#transport.send({method: 'POST', path: '/v1/events', body, safe: true});
    if (answer.status >= 400) throw failure(answer);
    return answer.body as R;
  }
}
