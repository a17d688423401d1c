import { invalid, noSuchVector } from '../core/errors.js'
import { LIMITS } from '../core/limits.js'
import { encodeIds } from '../core/point.js'
import type { Schema } from '../core/schema.js'
import { checkKeys, type Fields, isSet, objectAt } from './fields.js'
import type { FilterNode } from './node.js'
import { fieldCondition } from './parse-field.js'
import { parsePath } from './path.js'

export interface FilterContext {
  /** Names of the collection's vectors, in the kernel's order. */
  vectorNames: readonly string[]
  /** Whether ids are texts. */
  textIds?: boolean
}

export function filterContext(schema: Schema): FilterContext {
  return { vectorNames: schema.map(({ name }) => name), textIds: schema.textIds ?? false }
}

const CLAUSES = ['must', 'should', 'must_not', 'min_should']
const CONDITIONS = ['key', 'has_id', 'has_vector', 'is_empty', 'is_null', 'slice', 'nested']
const MOST_SLICES = 2 ** 32 - 1

/**
 * Checks an untrusted filter; null if it has no condition. Errors name the place, such as `filter.must[2].match.value`.
 * The recursion is as deep as the filter, and refuses nesting deeper than LIMITS.filterDepth.
 */
export function parseFilter(filter: unknown, context: FilterContext, field = 'filter'): FilterNode | null {
  if (!isSet(filter)) return null
  const known = filtersRead.get(filter as object)
  if (known && isSameContext(known.context, context)) return known.node
  return saying(new FilterParser(context).filter(filter, field, 0))
}

/** The same of a condition by itself, as formulas have them. */
export function parseCondition(condition: object, context: FilterContext, field: string): FilterNode | null {
  const known = filtersRead.get(condition)
  if (known && isSameContext(known.context, context)) return known.node
  return parseFilter({ must: [condition] }, context, field)
}

/** null if the filter has no condition. */
export function saying(node: FilterNode): FilterNode | null {
  return node.op === 'and' && node.children.length === 0 ? null : node
}

/** Large filters, and conditions by themselves, that were read before (parse-in-turns.ts). */
export const filtersRead = new WeakMap<object, { node: FilterNode | null; context: FilterContext }>()
/** Ids of long lists that were read before. */
export const idsRead = new WeakMap<readonly unknown[], { ids: Uint32Array; textIds: boolean }>()

function isSameContext(
  { vectorNames: a, ...one }: FilterContext,
  { vectorNames: b, ...other }: FilterContext,
): boolean {
  return a.length === b.length && a.every((name, at) => name === b[at]) && one.textIds === other.textIds
}

export class FilterParser {
  readonly #context: FilterContext
  #lists: Map<unknown, FilterNode[]> | null = null
  #conditions = 0

  constructor(context: FilterContext) {
    this.#context = context
  }

  /** Stores the conditions of a long list that were read before. */
  know(list: readonly unknown[], nodes: FilterNode[]): void {
    this.#lists ??= new Map()
    this.#lists.set(list, nodes)
  }

  /** Clauses are joined by AND. An empty clause is ignored, as in Qdrant. */
  filter(value: unknown, field: string, depth: number): FilterNode {
    const clauses = this.#object(value, CLAUSES, field, depth)
    const { must, should, must_not, min_should } = clauses
    const children = isSet(must) ? this.#list(must, `${field}.must`, depth) : []
    const any = isSet(should) ? this.#list(should, `${field}.should`, depth) : []
    if (any.length > 0) children.push({ op: 'or', children: any })
    if (isSet(must_not))
      for (const child of this.#list(must_not, `${field}.must_not`, depth)) children.push({ op: 'not', child })
    if (isSet(min_should)) children.push(...this.#minShould(min_should, `${field}.min_should`, depth))
    return children.length === 1 ? (children[0] as FilterNode) : { op: 'and', children }
  }

  #minShould(value: unknown, field: string, depth: number): FilterNode[] {
    const { conditions, min_count: count } = this.#object(value, ['conditions', 'min_count'], field, depth)
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > LIMITS.filterConditions) {
      throw invalid(`${field}.min_count`, `expected an integer from 1 to ${LIMITS.filterConditions}`, count)
    }
    if (!Array.isArray(conditions)) throw invalid(`${field}.conditions`, 'expected an array of conditions', conditions)
    const children = this.#list(conditions, `${field}.conditions`, depth)
    return children.length === 0 ? [] : [{ op: 'atLeast', count, children }]
  }

  /** A clause is one condition or an array of them. */
  #list(value: unknown, field: string, depth: number): FilterNode[] {
    if (!Array.isArray(value)) return [this.condition(value, field, depth + 1)]
    const known = this.#lists?.get(value)
    return known ?? value.map((condition, i) => this.condition(condition, `${field}[${i}]`, depth + 1))
  }

  condition(value: unknown, field: string, depth: number): FilterNode {
    if (++this.#conditions > LIMITS.filterConditions) {
      throw invalid('filter', `expected at most ${LIMITS.filterConditions} conditions`, this.#conditions)
    }
    const condition = this.#object(value, null, field, depth)
    const kind = CONDITIONS.find((name) => Object.hasOwn(condition, name))
    if (kind === 'key') return fieldCondition(condition, field)
    if (kind !== undefined) {
      checkKeys(condition, [kind], field)
      return this.#whole(kind, condition[kind], `${field}.${kind}`, depth)
    }
    if (Object.keys(condition).some((name) => !CLAUSES.includes(name))) {
      checkKeys(condition, [...CONDITIONS, ...CLAUSES], field)
    }
    return this.filter(condition, field, depth)
  }

  /** Conditions that consist of one key. */
  #whole(kind: string, value: unknown, field: string, depth: number): FilterNode {
    switch (kind) {
      case 'has_id':
        return hasId(value, field, this.#context)
      case 'has_vector':
        return this.#hasVector(value, field)
      case 'slice':
        return slice(value, field)
      case 'nested':
        return this.#nested(value, field, depth)
      default: {
        const { key } = this.#object(value, ['key'], field, depth)
        return { op: kind === 'is_empty' ? 'isEmpty' : 'isNull', path: parsePath(key, `${field}.key`) }
      }
    }
  }

  #nested(value: unknown, field: string, depth: number): FilterNode {
    const { key, filter } = this.#object(value, ['key', 'filter'], field, depth)
    const path = parsePath(key, `${field}.key`)
    return { op: 'nested', path, child: this.filter(filter, `${field}.filter`, depth + 1) }
  }

  #hasVector(name: unknown, field: string): FilterNode {
    const vector = this.#context.vectorNames.indexOf(name as string)
    if (vector < 0) throw noSuchVector(field, name)
    return { op: 'hasVector', vector }
  }

  #object(value: unknown, allowed: readonly string[] | null, field: string, depth: number): Fields {
    if (depth > LIMITS.filterDepth) throw invalid('filter', `expected at most ${LIMITS.filterDepth} nested levels`)
    const fields = objectAt(value, field)
    if (allowed) checkKeys(fields, allowed, field)
    return fields
  }
}

function hasId(value: unknown, field: string, { textIds = false }: FilterContext): FilterNode {
  if (!Array.isArray(value)) throw invalid(field, 'expected an array of ids', value)
  checkIdCount(value, field)
  const known = idsRead.get(value)
  return { op: 'hasId', ids: known?.textIds === textIds ? known.ids : encodeIds(value, field, textIds) }
}

export function checkIdCount(ids: readonly unknown[], field: string): void {
  if (ids.length > LIMITS.filterValues) throw invalid(field, `expected at most ${LIMITS.filterValues} ids`, ids.length)
}

function slice(value: unknown, field: string): FilterNode {
  const fields = objectAt(value, field)
  checkKeys(fields, ['total', 'index'], field)
  const { total, index } = fields
  if (typeof total !== 'number' || !Number.isInteger(total) || total < 1 || total > MOST_SLICES) {
    throw invalid(`${field}.total`, `expected an integer from 1 to ${MOST_SLICES}`, total)
  }
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= total) {
    throw invalid(`${field}.index`, `expected an integer from 0 to ${total - 1}, below total`, index)
  }
  return { op: 'slice', total, index }
}
