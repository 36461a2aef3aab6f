"""The JavaScript that stands between the child and a codec. Evaluated first in each new context.

It returns a function that, once the codec is loaded, finds its entry point and returns the
function that runs one frame: JSON text in, JSON text out. It supports `decodeUplink`
(TS013), `Decoder(bytes, port)` (The Things Network v2) and `Decode(fPort, bytes, variables)`
(ChirpStack v3), and gives codecs the two things that they often take for granted: a silent
`console` and CommonJS `module.exports`. It trusts nothing that it returns: the parent checks that.
"""

DRIVER = r"""
(function (bytesMax) {
  'use strict';
  const parse = JSON.parse, stringify = JSON.stringify, finite = Number.isFinite;
  const isArray = Array.isArray;
  const quiet = function () {};
  globalThis.console = {log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet};
  globalThis.module = {exports: {}};
  globalThis.exports = globalThis.module.exports;
  for (const name of ['Atomics', 'SharedArrayBuffer', 'WeakRef', 'FinalizationRegistry'])
    delete globalThis[name];
  function checked(key, value) {
    if (typeof value === 'number' && !finite(value))
      throw new RangeError('"' + key + '" is not a finite number');
    return value;
  }
  function entry() {
    if (typeof decodeUplink === 'function') return decodeUplink;
    const exported = typeof module === 'object' && module !== null ? module.exports : null;
    if (exported && typeof exported.decodeUplink === 'function') return exported.decodeUplink;
    if (typeof Decoder === 'function')
      return function (input) { return {data: Decoder(input.bytes, input.fPort)}; };
    if (typeof Decode === 'function')
      return function (input) { return {data: Decode(input.fPort, input.bytes, {})}; };
    throw new TypeError('the codec has no function decodeUplink, Decoder or Decode');
  }
  return function () {
    const decode = entry();
    return function (text) {
      const out = decode(parse(text));
      if (typeof out !== 'object' || out === null || isArray(out))
        throw new TypeError('the codec returned no object');
      const seen = {data: out.data, warnings: out.warnings, errors: out.errors};
      const result = stringify(seen, checked);
      if (result.length > bytesMax) throw new RangeError('the codec returned too much');
      return result;
    };
  };
})
"""
