// Blob, File, FormData and ReadableStream, as far as requests and responses need them.
(function (use, native) {
  'use strict';
  const { bytesOf, TextEncoder } = use('text');
  const encoder = new TextEncoder();
  const maxBytes = 64 << 20;
  const asyncIterator = Symbol.asyncIterator || Symbol.for('Symbol.asyncIterator'); // what transpiled for await looks for

  function join(parts) {
    const total = parts.reduce((n, part) => n + part.length, 0);
    if (total > maxBytes) throw new RangeError('more than ' + maxBytes + ' bytes');
    const all = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  class Blob {
    #bytes;
    #type;
    constructor(parts = [], { type = '' } = {}) {
      this.#bytes = join(Array.from(parts, (part) => (part instanceof Blob ? part.#bytes
        : ArrayBuffer.isView(part) || part instanceof ArrayBuffer ? bytesOf(part) : encoder.encode(String(part)))));
      this.#type = String(type).toLowerCase();
    }
    get size() { return this.#bytes.length; }
    get type() { return this.#type; }
    slice(start, end, type = '') { return new Blob([this.#bytes.slice(start, end)], { type }); }
    async text() { return native.decode(this.#bytes, 'utf-8'); }
    async bytes() { return this.#bytes.slice(); }
    async arrayBuffer() { return this.#bytes.slice().buffer; }
    stream() { return streamOf(this.#bytes); }
    static _bytes(blob) { return blob.#bytes; }
  }
  const blobBytes = Blob._bytes;
  delete Blob._bytes;

  class File extends Blob {
    #name;
    #modified;
    constructor(parts, name, options = {}) {
      super(parts, options);
      this.#name = String(name);
      this.#modified = options.lastModified === undefined ? Date.now() : options.lastModified;
    }
    get name() { return this.#name; }
    get lastModified() { return this.#modified; }
  }

  class FormData {
    #entries = [];
    #value(value, name) {
      if (!(value instanceof Blob)) return String(value);
      if (value instanceof File && name === undefined) return value;
      return new File([value], name === undefined ? 'blob' : name, { type: value.type });
    }
    append(name, value, filename) { this.#entries.push([String(name), this.#value(value, filename)]); }
    set(name, value, filename) {
      const entry = [String(name), this.#value(value, filename)];
      const at = this.#entries.findIndex((e) => e[0] === entry[0]);
      this.#entries = this.#entries.filter((e, i) => e[0] !== entry[0] || i === at);
      if (at < 0) this.#entries.push(entry);
      else this.#entries[at] = entry;
    }
    delete(name) { this.#entries = this.#entries.filter((e) => e[0] !== name); }
    get(name) {
      const entry = this.#entries.find((e) => e[0] === name);
      return entry ? entry[1] : null;
    }
    getAll(name) { return this.#entries.filter((e) => e[0] === name).map((e) => e[1]); }
    has(name) { return this.#entries.some((e) => e[0] === name); }
    forEach(f, self) { this.#entries.slice().forEach(([name, value]) => f.call(self, value, name, this)); }
    entries() { return this.#entries.map((e) => e.slice())[Symbol.iterator](); }
    keys() { return this.#entries.map((e) => e[0])[Symbol.iterator](); }
    values() { return this.#entries.map((e) => e[1])[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
  }

  const escapeName = (name) => name.replace(/\r?\n|\r/g, '%0D%0A').replace(/"/g, '%22');

  // multipart writes a form as multipart/form-data.
  function multipart(form) {
    const boundary = 'gaff-' + native.uuid();
    const parts = [];
    for (const [name, value] of form.entries()) {
      let head = '--' + boundary + '\r\nContent-Disposition: form-data; name="' + escapeName(name) + '"';
      if (value instanceof File) {
        head += '; filename="' + escapeName(value.name) + '"\r\nContent-Type: ' + (value.type || 'application/octet-stream');
      }
      parts.push(encoder.encode(head + '\r\n\r\n'));
      parts.push(value instanceof File ? blobBytes(value) : encoder.encode(value.replace(/\r?\n|\r/g, '\r\n')));
      parts.push(encoder.encode('\r\n'));
    }
    parts.push(encoder.encode('--' + boundary + '--\r\n'));
    return { bytes: join(parts), type: 'multipart/form-data; boundary=' + boundary };
  }

  class ReadableStreamDefaultReader {
    #stream;
    constructor(stream) {
      if (stream.locked) throw new TypeError('the stream is locked to another reader');
      this.#stream = stream;
      lock(stream, true);
    }
    read() { return this.#stream ? pull(this.#stream) : Promise.reject(new TypeError('the reader was released')); }
    cancel(reason) { return this.#stream ? cancel(this.#stream, reason) : Promise.resolve(); }
    releaseLock() {
      if (this.#stream) lock(this.#stream, false);
      this.#stream = undefined;
    }
  }

  class ReadableStream {
    #source;
    #started;
    #queue = [];
    #closed = false;
    #failure = null;
    #locked = false;
    #controller;
    constructor(source = {}) {
      this.#source = source;
      const enqueue = (chunk) => { if (!this.#closed) this.#queue.push(chunk); };
      const close = () => { this.#closed = true; };
      const error = (reason) => { this.#failure = { reason }; };
      this.#controller = { enqueue, close, error, get desiredSize() { return 1; } };
      this.#started = Promise.resolve(source.start && source.start(this.#controller));
      this.#started.catch(error);
    }
    get locked() { return this.#locked; }
    getReader() { return new ReadableStreamDefaultReader(this); }
    cancel(reason) {
      if (this.#locked) return Promise.reject(new TypeError('the stream is locked to a reader'));
      return cancel(this, reason);
    }
    tee() {
      const reader = this.getReader();
      const branches = [];
      let under; // the read under way, which both branches wait for
      const pull = () => {
        if (!under) {
          under = reader.read().then(({ value, done }) => {
            under = undefined;
            for (const branch of branches) done ? branch.close() : branch.enqueue(value);
          }, (reason) => {
            under = undefined;
            for (const branch of branches) branch.error(reason);
          });
        }
        return under;
      };
      let left = 2;
      const branch = () => new ReadableStream({
        start(controller) { branches.push(controller); },
        pull,
        cancel(reason) { return --left === 0 ? reader.cancel(reason) : undefined; },
      });
      return [branch(), branch()];
    }
    async #next() {
      await this.#started;
      for (;;) {
        if (this.#failure) throw this.#failure.reason;
        if (this.#queue.length > 0) return { value: this.#queue.shift(), done: false };
        if (this.#closed || typeof this.#source.pull !== 'function') return { value: undefined, done: true };
        await this.#source.pull(this.#controller);
      }
    }
    async #end(reason) {
      this.#closed = true;
      this.#queue = [];
      if (typeof this.#source.cancel === 'function') await this.#source.cancel(reason);
    }
    [asyncIterator]() {
      const reader = this.getReader();
      return {
        next: () => reader.read(),
        return: async (value) => {
          await reader.cancel();
          reader.releaseLock();
          return { value, done: true };
        },
        [asyncIterator]() { return this; },
      };
    }
    static _inner() {
      return {
        pull: (stream) => stream.#next(),
        cancel: (stream, reason) => stream.#end(reason),
        lock: (stream, locked) => { stream.#locked = locked; },
      };
    }
  }
  const { pull, cancel, lock } = ReadableStream._inner();
  delete ReadableStream._inner;

  const piece = 64 << 10;

  // streamOf gives bytes in pieces; used is called before the first is taken.
  function streamOf(bytes, used) {
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at === 0 && used) used();
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at + piece));
        at += piece;
      },
    });
  }

  // drain reads a stream to its end.
  async function drain(stream) {
    const reader = stream.getReader();
    const parts = [];
    let total = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return join(parts);
      const part = typeof value === 'string' ? encoder.encode(value) : bytesOf(value);
      if ((total += part.length) > maxBytes) throw new RangeError('the stream has more than ' + maxBytes + ' bytes');
      parts.push(part);
    }
  }

  return { Blob, File, FormData, ReadableStream, blobBytes, multipart, streamOf, drain, reader: ReadableStreamDefaultReader };
});
