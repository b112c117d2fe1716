import {failure, type Transport} from './transport.js';

/** What a registered method may be called with. */
export interface Payload {
  /** Of a Lua script. */
  keys?: (string | number)[];
  /** Of a Lua script or macro. */
  args?: unknown[];
  /** Of an SQL template. */
  params?: unknown[];
}

/** Methods by their names: `interface Shop extends Methods { topUsers(n: number): Promise<string[]> }`. */
export type Methods = Record<string, (...args: never[]) => Promise<unknown>>;

/** Any method, with any arguments. */
export type AnyMethods = Record<string, (...args: unknown[]) => Promise<any>>;

/** Calls the methods of one service. */
export class Service {
  readonly #transport: Transport;
  readonly #name: string;

  constructor(transport: Transport, name: string) {
    this.#transport = transport;
    this.#name = name;
  }

  /** Calls a registered method, and returns its result. A call is tried again only if it was surely not carried out. */
  async hook<T = any>(method: string, payload: Payload = {}): Promise<T> {
    return this.invoke<T>(method, payload);
  }

  /** Calls a method or built-in with any payload. */
  protected async invoke<T>(method: string, payload: unknown): Promise<T> {
    const body = {requestId: crypto.randomUUID(), service: this.#name, method, payload};
    const answer = await this.#transport.send({method: 'POST', path: '/rpc', body, safe: false});
    const said = answer.body as {ok?: boolean; result?: T} | undefined;
    if (answer.status !== 200 || said?.ok !== true) throw failure(answer);
    return said.result as T;
  }
}

type Command = [string, ...unknown[]];

/** Redis: registered Lua scripts and macros, and commands. */
export class Redis extends Service {
  /** One command: `call('GET', 'user:1')`. */
  call<T = any>(command: string, ...args: unknown[]): Promise<T> {
    return this.invoke<T>('call', {command, args});
  }

  /** Several commands at once, each for itself. */
  pipeline<T extends unknown[] = any[]>(commands: Command[]): Promise<T> {
    return this.invoke<T>('pipeline', {commands});
  }

  /** Several commands, all or nothing. */
  multi<T extends unknown[] = any[]>(commands: Command[]): Promise<T> {
    return this.invoke<T>('multi', {commands});
  }
}

/** One statement with its parameters, `$1` on PostgreSQL and `?` on MySQL. */
export interface Statement {
  sql: string;
  params?: unknown[];
}

/** The rows of a statement. Whole numbers beyond 2^53 are text. */
export interface Rows<T, F> {
  rows: T[];
  rowCount?: number;
  fields: F[];
}

/** A database: registered templates and macros, and statements of one's own. */
export class SQL<F> extends Service {
  /** One statement. */
  query<T = Record<string, unknown>>(sql: string, params: unknown[] = []): Promise<Rows<T, F>> {
    return this.invoke('query', {sql, params});
  }

  /** Several statements, all or nothing. */
  transaction(statements: Statement[]): Promise<Rows<Record<string, unknown>, F>[]> {
    return this.invoke('transaction', {statements});
  }
}

/** Promises and inspection look these up on any object. */
const notMethods = new Set(['then', 'catch', 'finally', 'toJSON', 'constructor', 'inspect', 'nodeType', 'asymmetricMatch', '$$typeof']);

/** Has every name that the service does not have itself call the registered method of that name with its arguments. */
export function dynamic<S extends Service, M>(service: S): S & M {
  return new Proxy(service, {
    get(target, name) {
      const own = Reflect.get(target, name, target) as unknown;
      if (own !== undefined) return typeof own === 'function' ? own.bind(target) : own;
      if (typeof name !== 'string' || notMethods.has(name)) return undefined;
      return (...args: unknown[]) => target.hook(name, {args});
    },
  }) as S & M;
}
