/** The service's own description of its API, as far as the console reads it. */
import type { Need } from './access'
import { type JsonNode, placeText } from './json-text'
import { askPlain, keyOfTab, type Method } from './session'

export interface Schema {
  $ref?: string
  type?: string | string[]
  description?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  minimum?: number
  properties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema?: Schema
}

export interface Operation {
  'x-vicinal-access': Need
  summary?: string
  description?: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema?: Schema }> }
}

export interface Api {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

export interface Route {
  method: Method
  path: string
  operation: Operation
}

let kept: { key: string | null; api: Promise<Api> } | null = null

/** Asked once for each key of the tab. */
export function readApi(): Promise<Api> {
  const key = keyOfTab()
  if (kept?.key !== key) {
    kept = { key, api: askPlain('/openapi.json').then((answer) => answer.json()) }
    kept.api.catch(() => {
      kept = null
    })
  }
  return kept.api
}

export function routesOf({ paths }: Api): Route[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase() as Method,
      path,
      operation,
    })),
  )
}

const GROUPS: [name: string, has: RegExp][] = [
  ['Snapshots', /\/snapshots/],
  ['Reading points', /\/points(\/(query|search|recommend|discover|scroll|count)|$|\/\{)|\/facet$/],
  ['Writing points', /\/points|\/ingest/],
  ['Aliases', /\/aliases/],
  ['Payload indexes', /\/index/],
  ['Collections', /^\/collections/],
]

/** The description has no tags: the path tells the group of a route. */
export function groupOf({ path, method }: Route): string {
  if (/\/points$/.test(path) && method === 'PUT') return 'Writing points'
  return GROUPS.find(([, has]) => has.test(path))?.[0] ?? 'The service'
}

/** All forms that a schema allows. Each named one is followed once. */
export function formsOf(api: Api, schema: Schema | undefined, seen: ReadonlySet<string> = new Set()): Schema[] {
  if (!schema) return []
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1)
    return seen.has(name) ? [] : formsOf(api, api.components.schemas[name], new Set([...seen, name]))
  }
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [schema, ...inner.flatMap((one) => formsOf(api, one, seen))]
}

/** The forms of the value at a path within a value of these forms. */
export function formsAt(api: Api, forms: readonly Schema[], path: readonly (string | number)[]): Schema[] {
  const [step, ...rest] = path
  if (step === undefined) return [...forms]
  return formsAt(
    api,
    forms.flatMap((form) => formsOf(api, inside(form, step))),
    rest,
  )
}

function inside({ properties, additionalProperties, items }: Schema, step: string | number): Schema | undefined {
  if (typeof step === 'number') return items
  return properties?.[step] ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
}

/** A key without a description has that of the type that it names. */
export function keysOf(api: Api, forms: readonly Schema[]): [key: string, description: string][] {
  return forms.flatMap(({ properties = {} }) =>
    Object.entries(properties).map(([key, schema]): [string, string] => [
      key,
      schema.description ?? formsOf(api, schema).find(({ description }) => description)?.description ?? '',
    ]),
  )
}

export function valuesOf(forms: readonly Schema[]): unknown[] {
  return forms.flatMap(({ enum: values = [], const: only, type }) => [
    ...values,
    ...(only === undefined ? [] : [only]),
    ...(type === 'boolean' ? [true, false] : []),
  ])
}

const MOST_DEPTH = 5

/** A small value of the schema: the required fields, or else its first numbers and switches. */
export function exampleOf(api: Api, schema: Schema | undefined, depth = 0): unknown {
  const [form] = formsOf(api, schema).filter((one) => one.type !== undefined || one.enum || one.properties)
  if (!form || depth > MOST_DEPTH) return {}
  if (form.default !== undefined) return form.default
  if (form.enum) return form.enum[0]
  const type = Array.isArray(form.type) ? form.type[0] : form.type
  if (type === 'integer' || type === 'number') return form.minimum ?? 1
  if (type === 'string') return 'text'
  if (type === 'boolean') return true
  if (type === 'array') return [exampleOf(api, form.items, depth + 1)]
  const simple = Object.entries(form.properties ?? {}).filter(
    ([, { type }]) => type === 'integer' || type === 'boolean',
  )
  const keys = form.required ?? (depth === 0 ? simple.slice(0, 3).map(([key]) => key) : [])
  return Object.fromEntries(keys.map((key) => [key, exampleOf(api, form.properties?.[key], depth + 1)]))
}

const MOST_STEPS = 2

/** Where a field belongs: the nearest place that has it, as `params`; null where none has it, or several do. */
export function homeOf(api: Api, root: readonly Schema[], field: string): string | null {
  let places: [path: string, forms: readonly Schema[]][] = [['', root]]
  for (let step = 0; step <= MOST_STEPS; step++) {
    const homes = places.filter(([, forms]) => forms.some(({ properties }) => properties && field in properties))
    if (homes.length > 0) return homes.length === 1 ? (homes[0]?.[0] ?? null) : null
    places = places.flatMap(([path, forms]) => {
      const keys = new Set(forms.flatMap(({ properties = {} }) => Object.keys(properties)))
      const fields = [...keys].map((key): [string, Schema[]] => [
        path === '' ? key : `${path}.${key}`,
        formsAt(api, forms, [key]),
      ])
      return forms.some(({ items }) => items) ? [...fields, [`${path}[]`, formsAt(api, forms, [0])]] : fields
    })
  }
  return null
}

function strayText(api: Api, root: readonly Schema[], field: string): string {
  const home = homeOf(api, root, field)
  const belongs =
    home === null ? '' : home === '' ? ': it belongs to the outermost object' : `: it belongs in “${home}”`
  return `there is no field ${JSON.stringify(field)} here${belongs}`
}

/**
 * Fields that the description does not have, and values of another type, each with its place in the text. `root` has the
 * forms of the whole text.
 */
export function flawsIn(
  api: Api,
  forms: readonly Schema[],
  node: JsonNode,
  text: string,
  root: readonly Schema[] = forms,
): string[] {
  if (forms.length === 0) return []
  if (!isAllowed(forms, node)) {
    const wanted = [...new Set(forms.flatMap(({ type = [] }) => type))].join(' or ')
    return [`${placeText(text, node.start)}: expected ${wanted}, got ${text.slice(node.start, node.end).slice(0, 40)}`]
  }
  const items = (node.items ?? []).flatMap((item, at) => flawsIn(api, formsAt(api, forms, [at]), item, text, root))
  const fields = (node.fields ?? []).flatMap(({ key, keyStart, value }) => {
    const inner = formsAt(api, forms, [key])
    const isClosed = forms.some(({ properties }) => properties) && !forms.some(isOpen)
    const isKnown = forms.some(({ properties }) => properties && key in properties)
    if (isClosed && !isKnown && inner.length === 0) {
      return [`${placeText(text, keyStart)}: ${strayText(api, root, key)}`]
    }
    return flawsIn(api, inner, value, text, root)
  })
  return [...items, ...fields]
}

function isOpen({ additionalProperties, type, properties }: Schema): boolean {
  return Boolean(additionalProperties) || (type === 'object' && !properties)
}

/** A form without a type, and null for an optional value, hold for all. */
function isAllowed(forms: readonly Schema[], { kind, value }: JsonNode): boolean {
  if (kind === 'null' || forms.some((form) => !form.type && !form.enum && !form.anyOf && !form.oneOf && !form.allOf)) {
    return true
  }
  const names = kind === 'number' ? ['number', 'integer'] : [kind]
  return forms.some((form) => {
    if (form.enum) return form.enum.includes(value)
    return [form.type].flat().some((type) => type !== undefined && names.includes(type))
  })
}
