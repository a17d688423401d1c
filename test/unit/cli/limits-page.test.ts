import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LIMITS } from '../../../src/core/limits.js'

const page = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8')
const MIB = 2 ** 20
const count = (value: number) => value.toLocaleString('en-US')
const mebibytes = (value: number) => `${value / MIB} MiB`

const ROWS: Record<string, string> = {
  'dimensions of a dense vector': count(LIMITS.dimensions),
  'numbers of a multivector': count(LIMITS.multivectorFloats),
  'components of a sparse vector': count(LIMITS.sparseEntries),
  'named vectors of a collection': count(LIMITS.vectorsPerCollection),
  collections: count(LIMITS.collections),
  'bytes of a text id': count(LIMITS.textIdBytes),
  'points of one write': count(LIMITS.batchPoints),
  'bytes of a body (`--max-body-bytes`); of one that reads (`--max-read-body-bytes`)': `${mebibytes(LIMITS.bodyBytes)}; ${mebibytes(LIMITS.readBodyBytes)}`,
  'bytes of a payload': mebibytes(LIMITS.payloadBytes),
  'levels of a filter; its conditions': `${LIMITS.filterDepth}; ${count(LIMITS.filterConditions)}`,
  'searches of a batch': count(LIMITS.batchQueries),
  'payload indexes of a collection': count(LIMITS.payloadIndexes),
}

test.each(Object.entries(ROWS))('docs/limits.md: %s', (name, value) => {
  expect(page).toContain(`\n| ${name} | ${value} |\n`)
})
