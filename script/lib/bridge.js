// bridge: what scripts have whose last value is their answer, and that were written for the services of others. Calls
// wait for their result. A call of an API never throws because of what the API answers: it gives {status, data}, and
// where it failed {status, reason_code, status_message, data: null}.
(function (use, native) {
  'use strict';

  const ok = (data) => ({ status: 200, data: data === undefined ? null : data });

  // failed is what an error of a call becomes. One without a status is a mistake in how the call was made.
  function failed(e) {
    if (!e || typeof e.status !== 'number') throw e;
    return { status: e.status, reason_code: e.reason_code || e.code, status_message: e.message, data: null };
  }

  function attempt(f) {
    try {
      return ok(f());
    } catch (e) {
      return failed(e);
    }
  }

  const given = (v) => (v === undefined ? null : v);

  function logger(level) {
    return (message, context) => {
      if (context === undefined) native.log(level, message);
      else native.log(level, message, context);
      return ok(null);
    };
  }

  const session = () => native.session();
  const claim = (...names) => {
    const s = session();
    for (const name of names) if (s[name] !== undefined && s[name] !== null) return s[name];
    return null;
  };

  // Sessions.

  const sessionId = () => claim('sessionId', 'sid', 'jti');

  function createdAt() {
    const at = claim('createdAt');
    if (at !== null) return Number(new Date(at));
    const issued = claim('iat');
    return issued === null ? null : issued * 1000;
  }

  const isServer = () => native.about().origin === 's2s' || native.about().phase === 'tick';

  // The cache of a session: a few small objects, all under one key.

  const maxObjects = 5;
  const maxText = 512;
  const cacheTime = 24 * 3600;

  function cached(label, change) {
    const id = sessionId() || claim('sub', 'profileId');
    if (id === null) return { status: 403, reason_code: 40304, status_message: label + ': there is no session', data: null };
    return attempt(() => {
      const key = 'bridge.session.' + id;
      const all = native.hostSync(label, 'kv.get', key) || {};
      const result = change(all);
      if (result.write) native.hostSync(label, 'kv.set', key, all, { ttl: cacheTime });
      return result.value;
    });
  }

  function refused(message) {
    const e = new Error(message);
    e.status = 400;
    return e;
  }

  // HTTP of declared services.

  const kinds = {
    Json: (body) => [given(body) === null ? undefined : JSON.stringify(body), 'application/json'],
    Text: (body) => [given(body) === null ? undefined : String(body), 'text/plain; charset=utf-8'],
    Form: (body) => [pairs(body), 'application/x-www-form-urlencoded'],
    Multipart: (body) => multipart(body),
  };

  function pairs(o) {
    const out = [];
    for (const key of Object.keys(o || {})) {
      for (const value of Array.isArray(o[key]) ? o[key] : [o[key]]) {
        if (given(value) !== null) out.push(encodeURIComponent(key) + '=' + encodeURIComponent(String(value)));
      }
    }
    return out.join('&');
  }

  function multipart(o) {
    const boundary = 'gaff-' + native.uuid();
    let text = '';
    for (const key of Object.keys(o || {})) {
      const value = typeof o[key] === 'object' ? JSON.stringify(o[key]) : String(o[key]);
      const name = key.replace(/["\r\n]/g, (c) => encodeURIComponent(c));
      text += '--' + boundary + '\r\nContent-Disposition: form-data; name="' + name + '"\r\n\r\n' + value + '\r\n';
    }
    return [text + '--' + boundary + '--\r\n', 'multipart/form-data; boundary=' + boundary];
  }

  function httpOptions(method, kind, service, path, query, headers, body) {
    const search = pairs(query);
    const url = String(path || '') + (search ? (String(path).includes('?') ? '&' : '?') + search : '');
    const options = { service: String(service), url, method, headers: [] };
    let type;
    if (kind) [options.body, type] = kinds[kind](body);
    for (const name of Object.keys(headers || {})) options.headers.push([name, String(headers[name])]);
    const typed = options.headers.some(([name]) => name.toLowerCase() === 'content-type');
    if (type && options.body !== undefined && !typed) options.headers.push(['Content-Type', type]);
    return options;
  }

  function httpCall(label, method, kind, answer) {
    return (service, path, query, headers, body) => attempt(() => {
      const r = native.hostSync(label, 'http.fetch', httpOptions(method, kind, service, path, query, headers, body));
      const data = { statusCode: r.status };
      if (answer === 'Json') {
        try {
          data.json = r.body === undefined || r.body === '' ? null : JSON.parse(r.body);
        } catch (e) {
          data.json = null;
          data.text = r.body;
        }
      } else if (answer === 'Text') data.text = r.body === undefined ? '' : r.body;
      data.headers = {};
      for (const [name, value] of r.headers || []) data.headers[name] = value;
      return data;
    });
  }

  const httpName = /^(get|delete|post|put|patch)(Json|Text|Form|Multipart)?Response(Json|Text)$/;

  const httpClient = members((name) => {
    const label = 'bridge.httpClient.' + name;
    if (name === 'head' || name === 'headRequest') return httpCall(label, 'HEAD');
    if (name === 'postJsonOffboard') {
      return (service, path, query, headers, body) => {
        native.promise(label, 'http.fetch', httpOptions('POST', 'Json', service, path, query, headers, body))
          .catch((e) => native.log('warn', label + ': ' + e.message));
        return ok(null);
      };
    }
    const parts = httpName.exec(name === 'delete' ? 'deleteResponseJson' : name);
    return parts ? httpCall(label, parts[1].toUpperCase(), parts[2], parts[3]) : undefined;
  });

  // members is an object whose members are made when they are asked for.
  function members(make) {
    return new Proxy(Object.freeze({}), {
      get: (_, name) => (typeof name === 'string' && name !== 'then' && name !== 'toJSON' ? make(name) : undefined),
    });
  }

  // Scripts.

  const run = (label, root) => (name, data) => {
    const about = native.about();
    try {
      return native.runScript(label, root ? '' : about.script, String(name), given(data) === null ? {} : data);
    } catch (e) {
      return failed(e);
    }
  };

  const later = (label, name, data, at) => attempt(() =>
    native.hostSync(label, 'scripts.schedule', { script: String(name), data: given(data) === null ? {} : data, at }));

  const scheduling = {
    scheduleRunScriptMinutes: (name, data, minutes) =>
      later('bridge.scheduleRunScriptMinutes', name, data, Date.now() + Number(minutes) * 60000),
    scheduleRunScriptUTC: (name, data, millis) => later('bridge.scheduleRunScriptUTC', name, data, Number(millis)),
    scheduleRunScriptUTCv2: (name, data, millis) => later('bridge.scheduleRunScriptUTCv2', name, data, Number(millis)),
    scheduleRunScriptMillisUTC: (name, data, millis) => later('bridge.scheduleRunScriptMillisUTC', name, data, Number(millis)),
    cancelScheduledScript: (id) => {
      const r = scheduling.sysCancelScheduledScriptIfExists(id);
      if (r.status !== 200 || r.data.cancelled > 0) return r;
      return { status: 400, reason_code: 40465, status_message: 'there is no such job', data: null };
    },
    sysCancelScheduledScriptIfExists: (id) =>
      attempt(() => native.hostSync('bridge.cancelScheduledScript', 'scripts.cancel', String(id))),
    getScheduledCloudScripts: (until) => attempt(() => ({
      scheduledJobs: native.hostSync('bridge.getScheduledCloudScripts', 'scripts.scheduled', until === undefined ? {} : { until: Number(until) }),
    })),
    getRunningOrQueuedCloudScripts: () => attempt(() => ({
      runningJobs: native.hostSync('bridge.getRunningOrQueuedCloudScripts', 'scripts.running', {}),
    })),
  };

  const scriptService = Object.assign({ runScript: run('bridge.runScript', true) }, scheduling);

  // Services.

  const callAPI = (label, service, operation, data, as) => {
    try {
      return native.hostSync(label, 'bridge.callAPI', String(service), String(operation), given(data), given(as));
    } catch (e) {
      return failed(e);
    }
  };

  const serviceName = /^get([A-Za-z0-9_]+)ServiceProxy$/;

  function proxyOf(name, as) {
    if (name === 'HttpClient') return httpClient;
    if (name === 'Script') return scriptService;
    return members((method) => (...args) => {
      try {
        return native.hostSync(name + '.' + method, 'bridge.callMethod', name, method, args.map(given), given(as));
      } catch (e) {
        return failed(e);
      }
    });
  }

  // What needs no host.

  const bytes = (text) => native.encode(String(text), 'utf8');
  const hmac = (digest) => (key, text) => native.decode(native.hmac(digest, bytes(key), bytes(text)), 'base64', false);

  const utils = {
    generateGuid: () => native.uuid(),
    getCurrentTimezoneOffset: (zone) => native.zoneOffset(String(zone)),
    getCurrentTimeZoneOffset: (zone) => native.zoneOffset(String(zone)),
    signHMACSha1: hmac('sha1'),
    signHMACSha256: hmac('sha256'),
    signRSASha256: (key, text) => native.signRSA(String(key), String(text)),
  };

  const bridge = Object.assign({}, utils, scheduling, {
    utils: () => utils,
    include: () => { throw new Error('bridge.include stands at the top of a file, with a path that is written out'); },
    callScript: run('bridge.callScript', false),
    callAPI: (service, operation, data) => callAPI('bridge.callAPI', service, operation, data),
    callAPIForSession: (as, service, operation, data) => callAPI('bridge.callAPIForSession', service, operation, data, as),
    sleep: (ms) => native.sleep(Number(ms)),
    getAppId: () => native.about().app,
    getAppName: () => { const s = native.settings(); return s.appName === undefined ? native.about().app : s.appName; },
    getAppVersion: () => { const s = native.settings(); return s.appVersion === undefined ? native.about().release : s.appVersion; },
    getEnvironmentName: () => { const s = native.settings(); return s.environment === undefined ? 'production' : s.environment; },
    getGlobalProperty: (name) => {
      const all = native.settings().globalProperties;
      return all && Object.prototype.hasOwnProperty.call(all, name) ? all[name] : null;
    },
    getScriptName: () => native.about().script.replace(/^.*\//, '').replace(/\.[^.]*$/, ''),
    getProfileId: () => claim('profileId', 'sub', '_id'),
    getName: () => claim('name'),
    getEmail: () => claim('email'),
    getClientSessionId: () => (isServer() ? null : sessionId()),
    getServerSessionId: () => (isServer() ? sessionId() : null),
    getSessionCreatedAt: createdAt,
    getSessionAgeSecs: () => { const at = createdAt(); return at === null ? null : Math.floor((Date.now() - at) / 1000); },
    getSessionForProfile: (id) => (claim('profileId', 'sub', '_id') === id ? session() : { sub: String(id), profileId: String(id) }),
    getSessionForSessionIdAndProfileId: (id, profile) =>
      (sessionId() === id && claim('profileId', 'sub', '_id') === profile ? session() : null),
    invalidateSession: () => {
      native.log('warn', 'bridge.invalidateSession: sessions are tokens of the app; they end where it issues them');
      return { status: 501, reason_code: 40501, status_message: 'sessions cannot be ended here', data: null };
    },
    setSessionCacheObject: (key, object) => cached('bridge.setSessionCacheObject', (all) => {
      const text = JSON.stringify(object);
      if (text === undefined || text.length > maxText) throw refused('an object of the session cache has at most ' + maxText + ' characters as JSON');
      if (!(key in all) && Object.keys(all).length >= maxObjects) throw refused('a session cache holds at most ' + maxObjects + ' objects');
      all[key] = object;
      return { write: true, value: null };
    }),
    getSessionCacheObject: (key) => {
      const r = cached('bridge.getSessionCacheObject', (all) => ({ value: given(all[key]) }));
      return r.status === 200 ? r.data : null;
    },
    deleteSessionCacheObject: (key) => cached('bridge.deleteSessionCacheObject', (all) => {
      delete all[key];
      return { write: true, value: null };
    }),
    isClientBridge: () => !isServer(),
    isServerBridge: isServer,
    isPeerBridge: () => false,
    logDebug: logger('debug'), logInfo: logger('info'), logWarning: logger('warn'), logError: logger('error'),
    logDebugJson: logger('debug'), logInfoJson: logger('info'), logWarningJson: logger('warn'), logErrorJson: logger('error'),
  });

  return {
    bridge: new Proxy(bridge, {
      get(target, name) {
        const known = target[name];
        if (known !== undefined || typeof name !== 'string') return known;
        const parts = serviceName.exec(name);
        return parts ? (as) => proxyOf(parts[1], as) : undefined;
      },
    }),
  };
});
