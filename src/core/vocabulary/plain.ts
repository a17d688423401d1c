/** Whether a value is an object of keys and values: no array, no vector, and no Map, Set, Date or promise. */
export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  // Objects of a caller's class, and of another realm, are objects too.
  return Object.prototype.toString.call(value) === '[object Object]'
}
