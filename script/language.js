// What newer JavaScript has and goja has not, as far as it can be added. Each runtime has it.
(function (number, date, compare) {
  'use strict';
  const add = (object, functions) => {
    for (const name of Object.keys(functions)) {
      if (object[name] === undefined || object === Number.prototype || object === Date.prototype || name === 'localeCompare') {
        Object.defineProperty(object, name, { value: functions[name], writable: true, enumerable: false, configurable: true });
      }
    }
  };
  const group = (items, key, take) => {
    let i = 0;
    for (const item of items) take(key(item, i++), item);
  };

  for (const name of ['asyncIterator', 'dispose', 'asyncDispose']) add(Symbol, { [name]: Symbol.for('Symbol.' + name) });
  add(Object, {
    groupBy(items, key) {
      const out = Object.create(null);
      group(items, key, (k, item) => (out[k] || (out[k] = [])).push(item));
      return out;
    },
  });
  add(Map, {
    groupBy(items, key) {
      const out = new Map();
      group(items, key, (k, item) => (out.has(k) ? out.get(k).push(item) : out.set(k, [item])));
      return out;
    },
  });
  add(Promise, {
    withResolvers() {
      const out = {};
      out.promise = new this((resolve, reject) => { out.resolve = resolve; out.reject = reject; });
      return out;
    },
    try(f, ...args) { return new this((resolve) => resolve(f(...args))); },
  });
  add(Array, {
    async fromAsync(items, map, self) {
      const out = [];
      const take = async (value) => out.push(map ? await map.call(self, await value, out.length) : await value);
      const start = items[Symbol.asyncIterator];
      if (start) {
        const it = start.call(items);
        for (let r = await it.next(); !r.done; r = await it.next()) await take(r.value);
      } else if (items[Symbol.iterator]) for (const value of items) await take(value);
      else for (let i = 0; i < items.length; i++) await take(items[i]);
      return out;
    },
  });
  add(Error, {
    captureStackTrace(object) {
      Object.defineProperty(object, 'stack', { value: new Error().stack, writable: true, enumerable: false, configurable: true });
    },
  });
  const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(^|[^\ud800-\udbff])[\udc00-\udfff]/;
  const { localeCompare } = String.prototype;
  add(String.prototype, {
    localeCompare(that, locales, options) {
      if (locales === undefined && options === undefined) return localeCompare.call(this, that);
      return compare(String(this), String(that), locales, options);
    },
    isWellFormed() { return !lone.test(String(this)); },
    toWellFormed() { return Array.from(String(this), (c) => (lone.test(c) ? '\ufffd' : c)).join(''); },
  });
  add(Date.prototype, {
    toGMTString() { return this.toUTCString(); },
    setYear(year) { return this.setFullYear(year >= 0 && year <= 99 ? 1900 + Math.trunc(year) : year); },
    getYear() { return this.getFullYear() - 1900; },
    toLocaleString(locale, options) { return date(this, 'both', locale, options); },
    toLocaleDateString(locale, options) { return date(this, 'date', locale, options); },
    toLocaleTimeString(locale, options) { return date(this, 'time', locale, options); },
  });
  add(Number.prototype, {
    toLocaleString(locale, options) { return number(Number(this), locale, options); },
  });

  // Iterators.
  const proto = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  const count = (n) => {
    if (!(n >= 0)) throw new RangeError(n + ' must be positive');
    return Math.trunc(n);
  };
  add(proto, {
    *map(f) { let i = 0; for (const v of this) yield f(v, i++); },
    *filter(f) { let i = 0; for (const v of this) if (f(v, i++)) yield v; },
    *flatMap(f) { let i = 0; for (const v of this) yield* f(v, i++); },
    take(n) {
      const limit = count(n);
      const from = this;
      return (function* () { let left = limit; if (left > 0) for (const v of from) { yield v; if (--left <= 0) return; } })();
    },
    drop(n) {
      const skip = count(n);
      const from = this;
      return (function* () { let left = skip; for (const v of from) if (left-- <= 0) yield v; })();
    },
    reduce(f, ...start) {
      let i = 0;
      let all = start[0];
      let begun = start.length > 0;
      for (const v of this) {
        if (begun) all = f(all, v, i);
        else [all, begun] = [v, true];
        i++;
      }
      if (!begun) throw new TypeError('Reduce of empty iterator with no initial value');
      return all;
    },
    toArray() { return [...this]; },
    forEach(f) { let i = 0; for (const v of this) f(v, i++); },
    some(f) { let i = 0; for (const v of this) if (f(v, i++)) return true; return false; },
    every(f) { let i = 0; for (const v of this) if (!f(v, i++)) return false; return true; },
    find(f) { let i = 0; for (const v of this) if (f(v, i++)) return v; return undefined; },
  });
});
