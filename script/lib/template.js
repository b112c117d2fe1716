// template(text, context) with Handlebars. The environment belongs to the run: what a script registers is gone with it.
(function (use, native) {
  'use strict';

  // register gives the environment what settings.template says.
  function register(env, { helpers, partials }) {
    const found = typeof helpers === 'string' ? native.file(helpers) : helpers || {};
    for (const name of Object.keys(found)) {
      const helper = typeof found[name] === 'string' ? native.evaluate(found[name], 'settings.template.helpers.' + name) : found[name];
      if (typeof helper !== 'function') throw new TypeError('settings.template.helpers.' + name + ' is not a function');
      env.registerHelper(name, helper);
    }
    const texts = partials || {};
    for (const name of Object.keys(texts)) {
      const text = texts[name];
      env.registerPartial(name, compiled(env, typeof text === 'string' && text.startsWith('./') ? native.file(text) : text));
    }
  }

  function environment(full) {
    let env = native.handlebars(false);
    if (env === undefined || (full && !env.compile)) {
      env = native.handlebars(true, full);
      const settings = native.settings().template;
      if (settings) register(env, settings);
    }
    return env;
  }

  const compiled = (env, text) => (typeof text === 'function' ? text : env.template(native.template(String(text))));

  // template renders the text. A third argument may bring helpers, partials and data of its own.
  function template(text, context, options) {
    const env = environment(false);
    const o = {};
    if (options) {
      if (options.data) o.data = options.data;
      if (options.helpers) o.helpers = Object.assign({}, env.helpers, options.helpers);
      if (options.partials) {
        o.partials = Object.assign({}, env.partials);
        for (const name of Object.keys(options.partials)) o.partials[name] = compiled(env, options.partials[name]);
      }
    }
    return compiled(env, text)(context === undefined || context === null ? {} : context, o);
  }

  return { template, environment, markdown: function markdown(text) { return native.markdown(String(text)); } };
});
