import {failure, type Request, type Transport} from './transport.js';

/** What the server adds to each document. */
export interface Meta {
  _id: string;
  _version: number;
  _created: string;
  _changed: string;
}

/** A query, such as `{age: {$gte: 18}}`. */
export type Query = Record<string, unknown>;

/** How an answer is sorted and cut: `{$orderby: {age: -1}, $max: 10}`. */
export type Hint = Record<string, unknown>;

/** The documents of one collection. Creating is safe to try again: the server takes each document once. */
export class Collection<T extends object = Record<string, unknown>> {
  readonly #transport: Transport;
  readonly #path: string;

  constructor(transport: Transport, name: string) {
    this.#transport = transport;
    this.#path = `/rest/${encodeURIComponent(name)}`;
  }

  /** The documents that a query selects; at most 1,000 unless the hint says otherwise. */
  find(query?: Query, hint?: Hint): Promise<(T & Meta)[]> {
    const params = new URLSearchParams();
    if (query) params.set('q', JSON.stringify(query));
    if (hint) params.set('h', JSON.stringify(hint));
    const search = params.toString();
    return this.#send({method: 'GET', path: this.#path + (search && `?${search}`), safe: true});
  }

  get(id: string): Promise<T & Meta> {
    return this.#send({method: 'GET', path: this.#of(id), safe: true});
  }

  create(document: T): Promise<T & Meta>;
  create(documents: T[]): Promise<(T & Meta)[]>;
  create(body: T | T[]): Promise<(T & Meta) | (T & Meta)[]> {
    return this.#write('POST', this.#path, body);
  }

  /** Puts another document in its place. */
  replace(id: string, document: T): Promise<T & Meta> {
    return this.#write('PUT', this.#of(id), document);
  }

  /** Sets the given fields. */
  update(id: string, fields: Partial<T> & Record<string, unknown>): Promise<T & Meta> {
    return this.#write('PATCH', this.#of(id), fields);
  }

  /** Removes a document. */
  async delete(id: string): Promise<void> {
    await this.#write('DELETE', this.#of(id));
  }

  /** Removes all that a query selects, and returns their ids. */
  async deleteWhere(query: Query): Promise<string[]> {
    const search = new URLSearchParams({q: JSON.stringify(query)});
    return (await this.#write<{result: string[]}>('DELETE', `${this.#path}/*?${search}`)).result;
  }

  #of(id: string): string {
    return `${this.#path}/${encodeURIComponent(id)}`;
  }

  #write<R>(method: string, path: string, body?: unknown): Promise<R> {
    return this.#send({method, path, safe: false, once: crypto.randomUUID(), ...(body === undefined ? {} : {body})});
  }

  async #send<R>(request: Request): Promise<R> {
    const answer = await this.#transport.send(request);
    if (answer.status >= 400) throw failure(answer);
    return answer.body as R;
  }
}
