/** Texts that a service sends name options as the wire spells them. */
import type { TSchema } from 'typebox'
import { expect, it } from 'vitest'
import * as aliases from '../../../../src/core/aliases.js'
import * as bm25 from '../../../../src/core/bm25.js'
import * as filter from '../../../../src/core/filter.js'
import * as formula from '../../../../src/core/formula.js'
import * as payloadIndex from '../../../../src/core/payload-index.js'
import * as pointChanges from '../../../../src/core/point-changes.js'
import * as query from '../../../../src/core/query.js'
import * as quotas from '../../../../src/core/quotas.js'
import * as schema from '../../../../src/core/schema.js'
import * as snapshots from '../../../../src/core/snapshots.js'
import { describe as described } from '../../../../src/core/vocabulary/document.js'
import { Reading } from '../../../../src/core/vocabulary/reading.js'
import { inWireWords } from '../../../../src/core/vocabulary/spelling.js'
import * as bodies from '../../../../src/wire/read-bodies.js'

const MODULES = { aliases, bm25, bodies, filter, formula, payloadIndex, pointChanges, query, quotas, schema, snapshots }

/** Every declaration, and those inside it. */
function declarations(): Set<object> {
  const found = new Set<object>()
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== 'object' || found.has(value)) return
    found.add(value)
    for (const key of Object.keys(value)) visit((value as Record<string, unknown>)[key])
  }
  for (const module of Object.values(MODULES)) for (const value of Object.values(module)) visit(value)
  return found
}

function camelNames(all: Set<object>): string[] {
  const names = [...all].flatMap((one) => Object.keys((one as { properties?: object }).properties ?? {}))
  return [...new Set(names)].filter((name) => /[A-Z]/.test(name))
}

it('errors and the document name no option in camelCase', () => {
  const all = declarations()
  const names = camelNames(all)
  expect(names.length).toBeGreaterThan(50)
  const texts: string[] = []
  for (const one of all) {
    const { expected, rule, description } = one as { expected?: string; rule?: string; description?: string }
    const reading = new Reading('wire', 'body')
    if (typeof expected === 'string') texts.push(reading.mistyped(null, expected).message)
    if (typeof rule !== 'string' && typeof expected !== 'string') continue
    reading.violates({ place: null, expected: expected ?? '', rule: rule ?? `must be ${expected}`, seen: 1 })
    try {
      reading.end()
    } catch (error) {
      texts.push((error as Error).message)
    }
    if (description !== undefined) texts.push(JSON.stringify(described(one as TSchema, new Map())))
  }
  const components = new Map<string, object>()
  for (const value of Object.values(MODULES).flatMap((module) => Object.values(module))) {
    if (value !== null && typeof value === 'object' && '$id' in value) described(value as TSchema, components)
  }
  texts.push(...[...components.values()].map((one) => JSON.stringify(one)))
  expect(components.size).toBeGreaterThan(30)
  // A word of JSON Schema.
  const told = texts.join('\n').replaceAll('"maxLength":', '')
  const named = names.filter((name) => new RegExp(`\\b${name}\\b`).test(told))
  expect(named).toEqual([])
})

it('leaves a value that a sentence tells as its sender wrote it', () => {
  expect(inWireWords('expected hnswConfig or efConstruct, got "theirOwn"')).toBe(
    'expected hnsw_config or ef_construct, got "theirOwn"',
  )
})
