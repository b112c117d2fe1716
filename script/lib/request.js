// request, in the shape of the npm package of that name.
(function (use, native) {
  'use strict';
  const { URL, querystring, url: legacy } = use('url');
  const { Buffer } = use('buffer');

  const refused = {
    oauth: 'OAuth 1', aws: 'AWS signing', hawk: 'Hawk', httpSignature: 'HTTP signatures', jar: 'cookies', proxy: 'proxies',
    multipart: 'multipart bodies; use formData', cert: 'client certificates', key: 'client certificates', pfx: 'client certificates',
    ca: 'certificate authorities of one\'s own', agentOptions: 'agents', socketPath: 'sockets', har: 'HAR',
  };

  // pairs nests as qs does: a[b]=1, a[0]=2.
  function pairs(prefix, value, out) {
    if (value === null) out.push([prefix, '']);
    else if (value instanceof Date) out.push([prefix, value.toISOString()]);
    else if (typeof value === 'object') {
      const list = Array.isArray(value);
      for (const key of Object.keys(value)) pairs(list || prefix !== '' ? prefix + '[' + key + ']' : key, value[key], out);
    } else if (value !== undefined && typeof value !== 'function') out.push([prefix, String(value)]);
    return out;
  }
  function stringify(object, useQuerystring) {
    if (useQuerystring) return querystring.stringify(object);
    return pairs('', object, []).map(([name, value]) => querystring.escape(name) + '=' + querystring.escape(value)).join('&');
  }

  function join(base, path) {
    if (base.endsWith('/') && path.startsWith('/')) return base + path.slice(1);
    if (base.endsWith('/') || path.startsWith('/') || path === '') return base + path;
    return base + '/' + path;
  }

  function address(o) {
    let target = o.url === undefined ? o.uri : o.url;
    if (target === undefined || target === null) throw new Error('options.uri is a required argument');
    if (typeof target === 'object') target = target.href || legacy.format(target);
    target = String(target);
    if (o.baseUrl) {
      if (/^(https?:)?\/\//.test(target)) throw new Error('options.uri must be a path when using options.baseUrl');
      target = join(String(o.baseUrl), target);
    }
    let parsed;
    try {
      parsed = o.service === undefined ? new URL(target) : new URL(target, 'http://service');
    } catch (e) {
      throw new Error('Invalid URI "' + target + '"');
    }
    if (o.qs) {
      const given = stringify(o.qs, o.useQuerystring);
      const names = new Set(given.split('&').map((pair) => pair.split('=')[0]));
      const kept = parsed.search.slice(1).split('&').filter((pair) => pair && !names.has(pair.split('=')[0]));
      parsed.search = kept.concat(given || []).join('&');
    }
    return parsed;
  }

  // headersOf lists the headers of the script; what it has given is not added again.
  function headersOf(o) {
    const list = [];
    for (const name of Object.keys(o.headers || {})) {
      const value = o.headers[name];
      if (value !== undefined && value !== null) [].concat(value).forEach((v) => list.push([name, String(v)]));
    }
    const has = (name) => list.some((pair) => pair[0].toLowerCase() === name);
    const add = (name, value) => has(name) || list.push([name, value]);
    return { list, has, add };
  }

  function authorize(o, target, headers) {
    let auth = o.auth;
    if (!auth && target.username) auth = { user: decodeURIComponent(target.username), pass: decodeURIComponent(target.password) };
    if (!auth) return;
    if (auth.bearer !== undefined) {
      headers.add('authorization', 'Bearer ' + (typeof auth.bearer === 'function' ? auth.bearer() : auth.bearer));
      return;
    }
    const user = auth.user === undefined ? auth.username : auth.user;
    const pass = auth.pass === undefined ? auth.password : auth.pass;
    const pair = (user === undefined ? '' : user) + ':' + (pass === undefined ? '' : pass);
    headers.add('authorization', 'Basic ' + Buffer.from(pair).toString('base64'));
  }

  function multipart(fields) {
    const { FormData, Blob, multipart: write } = use('body');
    const form = new FormData();
    for (const name of Object.keys(fields)) {
      for (const field of [].concat(fields[name])) {
        const wrapped = field !== null && typeof field === 'object' && 'value' in field && !ArrayBuffer.isView(field);
        const value = wrapped ? field.value : field;
        const options = (wrapped && field.options) || {};
        if (ArrayBuffer.isView(value) || options.filename) {
          form.append(name, new Blob([value], { type: options.contentType || '' }), options.filename || name);
        } else {
          form.append(name, String(value));
        }
      }
    }
    return write(form);
  }

  // bodyOf gives the body as {text} or {bytes}, and adds the headers that it implies.
  function bodyOf(o, headers) {
    if (o.form) {
      headers.add('content-type', 'application/x-www-form-urlencoded');
      return { text: typeof o.form === 'string' ? o.form : stringify(o.form, o.useQuerystring) };
    }
    if (o.formData) {
      const { bytes, type } = multipart(o.formData);
      headers.add('content-type', type);
      return { bytes };
    }
    let { body } = o;
    if (o.json) {
      headers.add('accept', 'application/json');
      if (typeof o.json !== 'boolean') body = o.json;
      if (body === undefined) return {};
      headers.add('content-type', 'application/json');
      const form = /^application\/x-www-form-urlencoded\b/.test((headers.list.find((h) => h[0].toLowerCase() === 'content-type') || [])[1]);
      return { text: form && typeof body === 'string' ? body : JSON.stringify(body, o.jsonReplacer) };
    }
    if (body === undefined || body === null) return {};
    if (typeof body === 'string') return { text: body };
    if (ArrayBuffer.isView(body)) return { bytes: body };
    if (Array.isArray(body)) return { bytes: Buffer.concat(body.map((part) => Buffer.from(part))) };
    throw new Error('Argument error, options.body.');
  }

  // follows says whether a redirect is followed: of calls that change something only if the script asks for it.
  function follows(o, method) {
    if (o.followAllRedirects) return true;
    if (o.followRedirect === false || /^(PATCH|PUT|POST|DELETE)$/.test(method)) return false;
    return true;
  }

  function messageOf(o) {
    for (const name of Object.keys(refused)) {
      if (o[name] !== undefined && o[name] !== null && o[name] !== false) {
        throw new Error('request: the option ' + name + ' is not available here (' + refused[name] + ')');
      }
    }
    const target = address(o);
    const headers = headersOf(o);
    authorize(o, target, headers);
    const body = bodyOf(o, headers);
    const method = String(o.method || 'GET').toUpperCase();
    const out = { url: target.href.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1'), method, headers: headers.list, redirect: follows(o, method) ? 'follow' : 'manual' };
    if (o.timeout !== undefined) out.timeout = Number(o.timeout);
    if (o.service !== undefined) {
      out.service = String(o.service);
      out.url = target.pathname + target.search; // on the upstream of the service
    }
    if (body.bytes) out.bodyBase64 = native.decode(body.bytes, 'base64');
    else if (body.text !== undefined) out.body = body.text;
    return out;
  }

  function decoded(o, answer) {
    const binary = answer.bodyBase64 !== undefined;
    if (o.encoding === null) return binary ? Buffer.from(answer.bodyBase64, 'base64') : Buffer.from(answer.body || '');
    let text = answer.body || '';
    if (binary || (o.encoding && !/^utf-?8$/i.test(o.encoding))) {
      text = Buffer.from(binary ? answer.bodyBase64 : text, binary ? 'base64' : 'utf8').toString(o.encoding);
    }
    if (!o.json) return text;
    try {
      return JSON.parse(text, o.jsonReviver);
    } catch (e) {
      return text; // as the package does: what is no JSON stays text
    }
  }

  function responseOf(o, message, answer) {
    const headers = {};
    const rawHeaders = [];
    for (const [name, value] of answer.headers || []) {
      rawHeaders.push(name, value);
      if (name === 'set-cookie') headers[name] = (headers[name] || []).concat(value);
      else headers[name] = headers[name] === undefined ? value : headers[name] + ', ' + value;
    }
    const body = decoded(o, answer);
    const sent = {};
    message.headers.forEach(([name, value]) => { sent[name] = value; });
    const request = { uri: legacy.parse(answer.url || message.url), method: message.method, headers: sent };
    const response = { statusCode: answer.status, statusMessage: answer.statusText || '', headers, rawHeaders, body, request };
    Object.defineProperty(response, 'toJSON', { value: () => ({ statusCode: response.statusCode, body, headers, request }) });
    return response;
  }

  const chained = (name) => function () {
    throw new Error('request(…).' + name + '() is not available here: the request is sent at once; say it in the options');
  };

  // Call is what request returns: a promise of the response that may also be listened to.
  class Call {
    #listeners = {};
    #outcome = null;
    #waiting = [];
    #cancel = () => {};
    constructor(start) {
      this.#cancel = start((error, response, told) => this.#finish(error, response, told)) || this.#cancel;
    }
    #finish(error, response, told) {
      this.#outcome = { error, response };
      const handled = told || this.#waiting.length > 0;
      this.#waiting.forEach((settle) => settle());
      if (error) {
        if (!this.#emit('error', error) && !handled) native.warn('request: ' + error.message);
        return;
      }
      this.#emit('response', response);
      this.#emit('data', response.body);
      this.#emit('end');
      this.#emit('complete', response, response.body);
    }
    #emit(event, ...args) {
      const listeners = this.#listeners[event] || [];
      listeners.forEach((f) => f.call(this, ...args));
      return listeners.length > 0;
    }
    on(event, f) {
      this.#listeners[event] = (this.#listeners[event] || []).concat(f);
      return this;
    }
    once(event, f) { return this.on(event, f); }
    abort() { this.#cancel(); }
    promise() {
      return new Promise((resolve, reject) => {
        const settle = () => (this.#outcome.error ? reject(this.#outcome.error) : resolve(this.#outcome.response));
        if (this.#outcome) settle();
        else this.#waiting.push(settle);
      });
    }
    then(yes, no) { return this.promise().then(yes, no); }
    catch(no) { return this.promise().catch(no); }
    finally(f) { return this.promise().finally(f); }
  }
  for (const name of ['form', 'auth', 'json', 'qs', 'pipe', 'write', 'end', 'oauth', 'multipart']) {
    Object.defineProperty(Call.prototype, name, { value: chained(name) });
  }

  function send(o, callback) {
    return new Call((finish) => {
      let done = finish;
      if (typeof callback === 'function') {
        done = (error, response) => {
          finish(error, response, true);
          if (error) callback(error, undefined, undefined);
          else callback(null, response, response.body);
        };
      }
      let message;
      try {
        message = messageOf(o);
      } catch (error) {
        native.immediate(done, error);
        return undefined;
      }
      return native.host('request', 'http.fetch', [message], (error, answer) => {
        if (error) done(error);
        else done(null, responseOf(o, message, answer));
      });
    });
  }

  // optionsOf takes (url, options, callback), (url, callback) or (options, callback).
  function optionsOf(uri, options, callback) {
    if (typeof options === 'function') [options, callback] = [undefined, options];
    const o = uri !== null && typeof uri === 'object' && !(uri instanceof URL) && !options
      ? Object.assign({}, uri, uri.href ? { url: uri.href } : undefined)
      : Object.assign({}, options, { url: uri instanceof URL ? uri.href : uri });
    return [o, callback || o.callback];
  }

  const merged = (defaults, o) => Object.assign({}, defaults, o, {
    headers: Object.assign({}, defaults.headers, o.headers),
    qs: defaults.qs || o.qs ? Object.assign({}, defaults.qs, o.qs) : undefined,
  });

  function make(defaults) {
    const call = (method) => function (uri, options, callback) {
      const [o, then] = optionsOf(uri, options, callback);
      const all = merged(defaults, o);
      if (method) all.method = method;
      return send(all, then);
    };
    const request = call();
    const verbs = { get: 'GET', head: 'HEAD', post: 'POST', put: 'PUT', patch: 'PATCH', del: 'DELETE', delete: 'DELETE', options: 'OPTIONS' };
    for (const name of Object.keys(verbs)) request[name] = call(verbs[name]);
    request.defaults = (more) => make(merged(defaults, more || {}));
    request.jar = request.cookie = () => {
      throw new Error('request: cookies are not kept here; set the header "cookie"');
    };
    return request;
  }

  return { request: make({}), Call };
});
