/** JSON as it is typed: its values with their places in the text, and the part that is missing where it ends early. */

export interface JsonNode {
  kind: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'
  start: number
  end: number
  value?: unknown
  /** Of an object: keys in their order. */
  fields?: { key: string; keyStart: number; value: JsonNode }[]
  items?: JsonNode[]
}

export class JsonTextError extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message)
  }
}

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\n]|\\.)*")|(-?\d[\d.eE+-]*|true|false|null))/y

/** Throws a JsonTextError at the first place that is no JSON. */
export function parseText(text: string): JsonNode {
  let at = 0
  const fail = (expected: string): never => {
    const from = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0)
    const found = text.slice(from, from + 12)
    throw new JsonTextError(`expected ${expected}${found ? `, got ${found}` : ' before the end'}`, from)
  }
  const next = (): { text: string; start: number } | null => {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (!found) return null
    const token = (found[1] ?? found[2] ?? found[3]) as string
    return { text: token, start: TOKEN.lastIndex - token.length }
  }
  const take = (wanted: string): boolean => {
    const token = next()
    if (token?.text !== wanted) return false
    at = token.start + 1
    return true
  }
  const list = (end: string, one: () => void): void => {
    if (take(end)) return
    do one()
    while (take(','))
    if (!take(end)) fail(`“,” or “${end}”`)
  }
  const field = () => {
    const token = next()
    if (!token?.text.startsWith('"')) return fail('a key in quotes')
    at = token.start + token.text.length
    if (!take(':')) fail('“:”')
    return { key: parsed(token) as string, keyStart: token.start, value: value() }
  }
  const parsed = (token: { text: string; start: number }): unknown => {
    try {
      return JSON.parse(token.text)
    } catch {
      at = token.start
      return fail('a value')
    }
  }
  const value = (): JsonNode => {
    const token = next()
    if (!token) return fail('a value')
    const { start } = token
    at = start + token.text.length
    if (token.text === '{') {
      const fields: JsonNode['fields'] = []
      list('}', () => fields.push(field()))
      return { kind: 'object', start, end: at, fields }
    }
    if (token.text === '[') {
      const items: JsonNode[] = []
      list(']', () => items.push(value()))
      return { kind: 'array', start, end: at, items }
    }
    if (',:]}'.includes(token.text)) {
      at = start
      return fail('a value')
    }
    const told = parsed(token)
    const kind = told === null ? 'null' : (typeof told as 'string' | 'number' | 'boolean')
    return { kind, start, end: at, value: told }
  }
  const root = value()
  if (text.slice(at).trim() !== '') fail('the end')
  return root
}

/** The place of the cursor: the key or value to type there, and the part that is typed already. */
export interface Cursor {
  path: (string | number)[]
  /** A key of the object at `path`, or the value at `path`. */
  kind: 'key' | 'value'
  /** Where the typed part begins, quote included. */
  start: number
  typed: string
  /** Keys that the object has before the cursor. */
  taken: string[]
}

interface Open {
  isArray: boolean
  index: number
  key: string | null
  keys: string[]
  isValue: boolean
}

/** Null inside of white space after a value, where nothing can be typed. */
export function cursorAt(text: string, offset: number): Cursor | null {
  const before = text.slice(0, offset)
  const open: Open[] = []
  let isRootDone = false
  let rest = ''
  let start = offset
  const pieces = before.matchAll(/[{}[\],:]|"(?:[^"\\\n]|\\.)*("?)|[^\s{}[\],:"]+/g)
  for (const piece of pieces) {
    const token = piece[0]
    const last = open.at(-1)
    const isOpen =
      piece.index + token.length === offset && !/[{}[\],:]/.test(token) && !(token.startsWith('"') && piece[1])
    if (isOpen) {
      rest = token
      start = piece.index
    } else if (token === '{' || token === '[') {
      open.push({ isArray: token === '[', index: 0, key: null, keys: [], isValue: token === '[' })
    } else if (token === '}' || token === ']') {
      open.pop()
      const outer = open.at(-1)
      if (outer) outer.isValue = false
      else isRootDone = true
    } else if (token === ':' && last) last.isValue = true
    else if (token === ',' && last) {
      last.index++
      last.key = null
      last.isValue = last.isArray
    } else if (token.startsWith('"') && last && !last.isArray && !last.isValue && last.key === null) {
      last.key = token.slice(1, -1)
      last.keys.push(last.key)
    } else if (last) last.isValue = false
    else isRootDone = true
  }
  const last = open.at(-1)
  const path = open.slice(0, -1).map(({ isArray, index, key }) => (isArray ? index : (key ?? '')))
  const typed = rest.startsWith('"') ? rest.slice(1) : rest
  if (!last) return isRootDone ? null : { path: [], kind: 'value', start, typed, taken: [] }
  if (!last.isArray && last.key === null) return { path, kind: 'key', start, typed, taken: last.keys }
  if (!last.isValue) return null
  return { path: [...path, last.isArray ? last.index : (last.key as string)], kind: 'value', start, typed, taken: [] }
}

/** `line 3, column 7`, both from 1. */
export function placeText(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}

/** The node at a path as the service tells it: `filter.must[0].key`; as deep as the text has it. */
export function nodeAt(root: JsonNode, path: string): JsonNode {
  let node = root
  for (const [, index, key] of path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)) {
    const next =
      index === undefined ? node.fields?.find((field) => field.key === key)?.value : node.items?.[Number(index)]
    if (!next) break
    node = next
  }
  return node
}
