import {Collection} from './documents.js';
import {Events} from './events.js';
import {dynamic, Redis, Service, SQL, type AnyMethods} from './services.js';
import {Transport, type Options} from './transport.js';

export type {Hint, Meta, Query} from './documents.js';
export {Collection} from './documents.js';
export type {Failure, FieldError} from './errors.js';
export {GaffError} from './errors.js';
export type {EventPayload, Verdict} from './events.js';
export {Events} from './events.js';
export type {AnyMethods, Methods, Payload, Rows, Statement} from './services.js';
export {Redis, Service, SQL} from './services.js';
export type {Options} from './transport.js';

/** A client of one server, with one key. It keeps no connection of its own and may be shared. */
export class Gaff {
  readonly #transport: Transport;
  /** Sends events as a service would. */
  readonly events: Events;

  constructor(options: Options = {}) {
    this.#transport = new Transport(options);
    this.events = new Events(this.#transport);
  }

  /** The methods of a Redis, by default the one called `redis`. */
  redis<M = AnyMethods>(service = 'redis'): Redis & M {
    return dynamic<Redis, M>(new Redis(this.#transport, service));
  }

  /** The methods of a PostgreSQL, by default the one called `postgres`. */
  postgres<M = AnyMethods>(service = 'postgres'): SQL<{name: string}> & M {
    return dynamic<SQL<{name: string}>, M>(new SQL(this.#transport, service));
  }

  /** The methods of a MySQL or MariaDB, by default the one called `mysql`. */
  mysql<M = AnyMethods>(service = 'mysql'): SQL<string> & M {
    return dynamic<SQL<string>, M>(new SQL(this.#transport, service));
  }

  /** The registered methods of any service. */
  service<M = AnyMethods>(name: string): Service & M {
    return dynamic<Service, M>(new Service(this.#transport, name));
  }

  /** The documents of a collection. */
  collection<T extends object = Record<string, unknown>>(name: string): Collection<T> {
    return new Collection<T>(this.#transport, name);
  }
}
