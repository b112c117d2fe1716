// URL and URLSearchParams, and what is left in use of the modules url and querystring of Node.
(function (use, native) {
  'use strict';
  const { URL: Address, URLSearchParams } = native.urls();

  class URL extends Address {
    get origin() {
      const bare = super.origin; // without the port
      return bare === 'null' || !this.port || bare.endsWith(':' + this.port) ? bare : this.protocol + '//' + this.host;
    }
  }

  Object.defineProperty(URL, 'canParse', {
    value: function canParse(input, base) {
      try {
        return Boolean(new URL(input, base));
      } catch (e) {
        return false;
      }
    },
    configurable: true,
    writable: true,
  });

  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
  const plain = (value) => (['string', 'number', 'boolean', 'bigint'].includes(typeof value) ? String(value) : '');

  function decode(text) {
    try {
      return decodeURIComponent(text.replace(/\+/g, ' '));
    } catch (e) {
      return text;
    }
  }

  // parseQuery gives a list for a name that comes several times.
  function parseQuery(text, separator = '&', equals = '=') {
    const found = {};
    for (const pair of String(text || '').split(separator)) {
      if (pair === '') continue;
      const at = pair.indexOf(equals);
      const name = decode(at < 0 ? pair : pair.slice(0, at));
      const value = at < 0 ? '' : decode(pair.slice(at + equals.length));
      if (!Object.prototype.hasOwnProperty.call(found, name)) {
        Object.defineProperty(found, name, { value, writable: true, enumerable: true, configurable: true });
      } else {
        found[name] = [].concat(found[name], value);
      }
    }
    return found;
  }

  function stringifyQuery(object, separator = '&', equals = '=') {
    return Object.keys(object || {}).map((name) => [].concat(object[name])
      .map((value) => encode(name) + equals + encode(plain(value))).join(separator)).filter(Boolean).join(separator);
  }

  const form = /^([a-zA-Z][a-zA-Z0-9+.-]*:)?(\/\/)?(?:([^@/?#]*)@)?([^:/?#]*)?(?::(\d+))?([^?#]*)(\?[^#]*)?(#.*)?$/;

  // parse takes an address apart as url.parse of Node does.
  function parse(text, withQuery) {
    const found = form.exec(String(text).trim()) || [];
    const [, protocol = null, slashes, auth = null, host = '', port = null, path = '', search = null, hash = null] = found;
    const out = { protocol, slashes: slashes ? true : null, auth: auth && decode(auth), port, hash, search };
    if (slashes) {
      out.hostname = host.toLowerCase();
      out.host = out.hostname + (port ? ':' + port : '');
      out.pathname = path || '/';
    } else { // no authority: all of it is the path
      out.hostname = out.host = out.port = null;
      out.pathname = (host || '') + (port ? ':' + port : '') + path || null;
    }
    const query = search === null ? null : search.slice(1);
    out.query = withQuery ? parseQuery(query) : query;
    out.path = (out.pathname || '') + (search || '') || null;
    out.href = format(out);
    return out;
  }

  function format(parts) {
    if (typeof parts === 'string') return parts;
    if (parts instanceof URL) return parts.href;
    const protocol = parts.protocol ? String(parts.protocol).replace(/:?$/, ':') : '';
    const host = parts.host || (parts.hostname ? parts.hostname + (parts.port ? ':' + parts.port : '') : '');
    const slashes = parts.slashes || (host && /^(https?|ftp|file|wss?):$/.test(protocol)) ? '//' : '';
    const auth = parts.auth ? encodeURIComponent(parts.auth).replace(/%3A/i, ':') + '@' : '';
    let search = parts.search || '';
    if (!search && parts.query && typeof parts.query === 'object') search = stringifyQuery(parts.query);
    if (search && search[0] !== '?') search = '?' + search;
    const hash = parts.hash ? String(parts.hash).replace(/^#?/, '#') : '';
    let path = parts.pathname || '';
    if (host && path && path[0] !== '/') path = '/' + path;
    return protocol + slashes + (host ? auth + host : '') + path + search + hash;
  }

  return {
    URL,
    URLSearchParams,
    url: { URL, URLSearchParams, parse, format, resolve: (from, to) => new URL(to, from).href },
    querystring: { parse: parseQuery, stringify: stringifyQuery, escape: encode, unescape: decode, decode: parseQuery, encode: stringifyQuery },
    params: [new URLSearchParams().entries()], // leads to what would otherwise be made later, and stay unfrozen
  };
});
