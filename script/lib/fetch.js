// fetch with Headers, Request and Response.
(function (use, native) {
  'use strict';
  const { bytesOf, TextEncoder } = use('text');
  const { URL, URLSearchParams } = use('url');
  const { Blob, FormData, ReadableStream, blobBytes, multipart, streamOf, drain } = use('body');
  const encoder = new TextEncoder();

  const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
  function nameOf(name) {
    name = String(name);
    if (!token.test(name)) throw new TypeError('Headers: "' + name + '" is not a header name');
    return name.toLowerCase();
  }
  function valueOf(value) {
    value = String(value).replace(/^[\t\r\n ]+|[\t\r\n ]+$/g, '');
    if (/[\0\r\n]/.test(value)) throw new TypeError('Headers: a value must be one line');
    return value;
  }

  class Headers {
    #list = [];
    constructor(init) {
      if (init === undefined || init === null) return;
      if (init instanceof Headers) this.#list = init.#list.map((pair) => pair.slice());
      else if (typeof init[Symbol.iterator] === 'function') {
        for (const [name, value] of init) this.append(name, value);
      } else for (const name of Object.keys(init)) this.append(name, init[name]);
    }
    append(name, value) { this.#list.push([nameOf(name), valueOf(value)]); }
    delete(name) {
      name = nameOf(name);
      this.#list = this.#list.filter((pair) => pair[0] !== name);
    }
    get(name) {
      name = nameOf(name);
      const values = this.#list.filter((pair) => pair[0] === name).map((pair) => pair[1]);
      return values.length ? values.join(', ') : null;
    }
    getSetCookie() { return this.#list.filter((pair) => pair[0] === 'set-cookie').map((pair) => pair[1]); }
    has(name) { return this.get(name) !== null; }
    set(name, value) {
      this.delete(name);
      this.append(name, value);
    }
    forEach(f, self) { for (const [name, value] of this) f.call(self, value, name, this); }
    entries() {
      const names = [...new Set(this.#list.map((pair) => pair[0]))].sort();
      const pairs = [];
      for (const name of names) {
        if (name === 'set-cookie') this.getSetCookie().forEach((value) => pairs.push([name, value]));
        else pairs.push([name, this.get(name)]);
      }
      return pairs[Symbol.iterator]();
    }
    keys() { return Array.from(this.entries(), (pair) => pair[0])[Symbol.iterator](); }
    values() { return Array.from(this.entries(), (pair) => pair[1])[Symbol.iterator](); }
    [Symbol.iterator]() { return this.entries(); }
    toJSON() {
      const o = {};
      this.forEach((value, name) => Object.defineProperty(o, name, { value, enumerable: true, configurable: true, writable: true }));
      return o;
    }
  }

  // take turns a body into text or bytes, or a stream that is read later, with the type that it implies.
  function take(body) {
    if (body === undefined || body === null) return { text: null, type: null };
    if (typeof body === 'string') return { text: body, type: 'text/plain;charset=UTF-8' };
    if (body instanceof URLSearchParams) return { text: body.toString(), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
    if (body instanceof Blob) return { bytes: blobBytes(body), type: body.type || null };
    if (body instanceof FormData) return multipart(body);
    if (body instanceof ReadableStream) return { stream: body, type: null };
    if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return { bytes: bytesOf(body).slice(), type: null };
    return { text: String(body), type: 'text/plain;charset=UTF-8' };
  }

  const known = (c) => c.text !== null && c.text !== undefined || c.bytes;

  // Body is what Request and Response share. Its content is text, bytes, a stream of the script, or incoming: what the
  // host is still receiving.
  class Body {
    #content;
    #used = false;
    #stream = null;
    constructor(content) { this.#content = content; }
    get bodyUsed() { return this.#used; }
    get body() {
      const c = this.#content;
      const used = () => { this.#used = true; };
      if (!this.#stream) {
        this.#stream = c.stream || (c.incoming ? c.incoming.stream(used) : known(c) ? streamOf(c.bytes || encoder.encode(c.text), used) : null);
      }
      return this.#stream;
    }
    #use() {
      if (this.#used || (this.#stream && this.#stream.locked)) throw new TypeError('Body is unusable: Body has already been read');
      this.#used = true;
    }
    async #bytes() {
      const c = await this.#whole();
      return c.bytes || encoder.encode(c.text || '');
    }
    // whole is the content as text or bytes.
    async #whole() {
      this.#use();
      const c = this.#content;
      return c.stream ? { bytes: await drain(c.stream) } : c.incoming ? c.incoming.rest() : c;
    }
    async text() {
      const c = await this.#whole();
      return c.bytes ? native.decode(c.bytes, 'utf-8').replace(/^\ufeff/, '') : c.text || '';
    }
    async json() { return JSON.parse(await this.text()); }
    async bytes() { return (await this.#bytes()).slice(); }
    async arrayBuffer() { return (await this.#bytes()).slice().buffer; }
    async blob() { return new Blob([await this.#bytes()], { type: this.headers.get('content-type') || '' }); }
    async formData() {
      const type = this.headers.get('content-type') || '';
      if (!type.startsWith('application/x-www-form-urlencoded')) {
        throw new TypeError('formData() reads application/x-www-form-urlencoded only, and this is ' + (type || 'of no type'));
      }
      const form = new FormData();
      new URLSearchParams(await this.text()).forEach((value, name) => form.append(name, value));
      return form;
    }
    static _content(body, copy) {
      if (copy && (body.#used || (body.#stream && body.#stream.locked))) throw new TypeError('the body has already been read and cannot be cloned');
      if (!copy || known(body.#content) || !body.body) return body.#content;
      const [own, other] = body.body.tee();
      body.#stream = own;
      body.#content = { stream: own };
      return { stream: other };
    }
    static _read(body) { return body.#bytes(); }
  }
  const contentOf = Body._content;
  const readBody = Body._read;
  delete Body._content;
  delete Body._read;

  const methods = /^(delete|get|head|options|post|put|patch)$/i;

  class Request extends Body {
    #fields;
    constructor(input, init = {}) {
      const from = input instanceof Request ? input : null;
      const method = init.method === undefined ? (from ? from.method : 'GET') : String(init.method);
      const given = init.body !== undefined && init.body !== null;
      if (given && /^(get|head)$/i.test(method)) throw new TypeError('Request with GET/HEAD method cannot have body.');
      const content = given ? take(init.body) : from ? contentOf(from, true) : take(null);
      super(content);
      const headers = new Headers(init.headers !== undefined ? init.headers : from ? from.headers : undefined);
      if (given && content.type && !headers.has('content-type')) headers.set('content-type', content.type);
      this.#fields = {
        url: from ? from.url : new URL(String(input)).href,
        method: methods.test(method) ? method.toUpperCase() : method,
        headers,
        redirect: init.redirect || (from ? from.redirect : 'follow'),
        signal: init.signal === undefined ? (from ? from.signal : null) : init.signal,
      };
    }
    get url() { return this.#fields.url; }
    get method() { return this.#fields.method; }
    get headers() { return this.#fields.headers; }
    get redirect() { return this.#fields.redirect; }
    get signal() { return this.#fields.signal; }
    clone() { return new Request(this); }
  }

  const empty = new Set([101, 204, 205, 304]);
  const made = {}; // lets this file say more of a response than its constructor takes

  class Response extends Body {
    #fields;
    constructor(body, init = {}, key, more) {
      const status = init.status === undefined ? 200 : Number(init.status);
      const content = key === made ? body : take(body);
      if (key !== made && !(status >= 200 && status <= 599)) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
      if (key !== made && body !== undefined && body !== null && empty.has(status)) throw new TypeError('Response with null body status cannot have body');
      super(content);
      const headers = new Headers(init.headers);
      if (key !== made && content.type && !headers.has('content-type')) headers.set('content-type', content.type);
      this.#fields = Object.assign({
        status, headers, statusText: init.statusText === undefined ? '' : String(init.statusText), url: '', redirected: false, type: 'default',
      }, key === made ? more : undefined);
    }
    get status() { return this.#fields.status; }
    get statusText() { return this.#fields.statusText; }
    get ok() { return this.status >= 200 && this.status <= 299; }
    get headers() { return this.#fields.headers; }
    get url() { return this.#fields.url; }
    get redirected() { return this.#fields.redirected; }
    get type() { return this.#fields.type; }
    clone() {
      const { url, redirected, type, status, statusText, headers } = this.#fields;
      return new Response(contentOf(this, true), { status, statusText, headers }, made, { url, redirected, type });
    }
    static json(data, init = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has('content-type')) headers.set('content-type', 'application/json');
      return new Response(JSON.stringify(data), { status: init.status, statusText: init.statusText, headers });
    }
    static error() { return new Response(take(null), { status: 0 }, made, { type: 'error' }); }
    static redirect(url, status = 302) { return new Response(null, { status, headers: { location: new URL(String(url)).href } }); }
  }

  const contentIn = (answer) => (answer.bodyBase64 !== undefined ? { bytes: decoded(answer.bodyBase64) }
    : { text: answer.body === undefined ? '' : answer.body });
  const decoded = (base64) => new Uint8Array(native.encode(base64, 'base64'));

  // Incoming is the body of an answer that the host is receiving.
  class Incoming {
    #number;
    #signal;
    #cancel;
    constructor(number, signal, cancel) {
      this.#number = number;
      this.#signal = signal;
      this.#cancel = cancel;
    }
    // more asks the host for what comes next.
    #more(args, made) {
      const signal = this.#signal;
      return new Promise((resolve, reject) => {
        if (signal && signal.aborted) return reject(signal.reason);
        native.host('fetch', 'more', [this.#number, ...args], (error, data) => {
          if (error) reject(signal && signal.aborted ? signal.reason : failure(error, 'the answer broke off'));
          else resolve(made(data));
        });
      });
    }
    rest() { return this.#more([true], contentIn); }
    stream(used) {
      return new ReadableStream({
        pull: (controller) => {
          used();
          return this.#more([], (piece) => (piece === null ? controller.close() : controller.enqueue(decoded(piece))))
            .catch((error) => controller.error(error));
        },
        cancel: this.#cancel,
      });
    }
  }

  function respond(answer, signal, cancel) {
    const content = empty.has(answer.status) ? take(null) : answer.stream ? { incoming: new Incoming(answer.stream, signal, cancel) } : contentIn(answer);
    return new Response(content, { status: answer.status, statusText: answer.statusText, headers: answer.headers }, made, {
      url: answer.url, redirected: Boolean(answer.redirected), type: 'basic',
    });
  }

  function failure(error, what = 'fetch failed') {
    if (error.code === undefined) return error;
    const failed = Object.assign(new TypeError(what + ': ' + error.message), { cause: error, code: error.code });
    // The place is where the script called, which the error of the host knows.
    const frames = String(error.stack).slice(('Error: ' + error.message).length);
    Object.defineProperty(failed, 'stack', { value: 'TypeError: ' + failed.message + frames, writable: true, enumerable: false, configurable: true });
    return failed;
  }

  function options(request, content, bytes) {
    const out = { url: request.url, method: request.method, headers: [...request.headers.entries()], redirect: request.redirect, stream: true };
    if (bytes) out.bodyBase64 = native.decode(bytes, 'base64');
    else if (content.text !== null && content.text !== undefined) out.body = content.text;
    return out;
  }

  // fetch sends at once unless the body has to be read first, so that it may be called right before res.end.
  function fetch(input, init) {
    let request;
    try {
      request = new Request(input, init);
    } catch (error) {
      return Promise.reject(error);
    }
    const { signal } = request;
    if (signal && signal.aborted) return Promise.reject(signal.reason);
    const content = contentOf(request);
    if (content.stream) return readBody(request).then((bytes) => send(options(request, content, bytes), signal));
    return send(options(request, content, content.bytes), signal);
  }

  function send(message, signal) {
    let resolve;
    let reject;
    const promise = new Promise((yes, no) => { [resolve, reject] = [yes, no]; });
    const cancel = native.host('fetch', 'http.fetch', [message], (error, answer) => {
      if (error) reject(failure(error));
      else resolve(respond(answer, signal, cancel));
    });
    if (signal) {
      signal.addEventListener('abort', () => {
        reject(signal.reason);
        cancel();
      });
    }
    return promise;
  }

  return { fetch, Headers, Request, Response, Body };
});
