#!/usr/bin/env node
// How often drift is told where there is none, and found where there is: the figures of docs/quality.md.
// Rows come from a file of vectors (.fbin), or are made up: clusters of few dimensions in many.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { difference } from '../dist/quality/drift.js'
import { lengthsOf } from '../dist/quality/norms.js'
import { Random } from '../dist/quality/random.js'

const USAGE = `node bench/drift.mjs [FILE.fbin] [flags]
  --distance NAME   Euclid (default), Dot or Cosine; Cosine scales all vectors to length 1
  --sample N        points of each side (default 2000)
  --splits N        splits of one set, to count false alarms (default 500)
  --changes N       sets with a change, of each kind (default 100)
  --seed N          seed of it all (default 1)`
const MADE_UP = { rows: 40_000, dim: 64, clusters: 50, inner: 12 }
const CHANGED = 0.1
const SCALE = 1.1

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    distance: { type: 'string', default: 'Euclid' },
    sample: { type: 'string', default: '2000' },
    splits: { type: 'string', default: '500' },
    changes: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean' },
  },
})
if (values.help) {
  console.log(USAGE)
  process.exit(0)
}
const random = new Random(Number(values.seed))
const uniform = () => (random.below(2 ** 32) + 0.5) / 2 ** 32
const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())

const { vectors, dim } = positionals[0] ? readFbin(positionals[0]) : madeUp()
const isScaled = values.distance === 'Cosine'
if (isScaled) scaleAll(vectors)
const rows = vectors.length / dim
const sample = Math.min(Number(values.sample), Math.floor(rows / 2))
/** Rows of each side whose lengths are compared, as a report does. */
const measured = Math.max(sample, Math.min(20_000, Math.floor(rows / 2)))
const rotation = randomRotation()
console.log(
  `${positionals[0] ?? 'made-up clusters'}: ${rows} rows of ${dim}, ${values.distance}, ${sample} of each side and the lengths of ${measured}, seed ${values.seed}`,
)

const alarms = await count(Number(values.splits), () => {})
console.log(
  `false alarms: ${alarms.found} of ${alarms.of} splits of one set (${((100 * alarms.found) / alarms.of).toFixed(1)} %)`,
)
const changes = Number(values.changes)
const model = await count(changes, rotated)
console.log(`a tenth from another model (rotated): found in ${model.found} of ${model.of}`)
if (!isScaled) {
  const scaled = await count(changes, (row) => row.set(row.map((value) => value * SCALE)))
  console.log(
    `a tenth scaled by ${SCALE}: found in ${scaled.found} of ${scaled.of}; by lengths alone in ${scaled.norms}`,
  )
}

/** Splits rows at random, changes a tenth of one side, and counts how often that is told. */
async function count(times, change) {
  const told = { found: 0, norms: 0, of: times }
  for (let at = 0; at < times; at++) {
    const order = chosen(2 * measured)
    const [reference, current] = [order.subarray(0, measured), order.subarray(measured)].map(rowsAt)
    // A tenth of those that are compared, and of those whose lengths alone are.
    for (let row = 0; row < measured; row++)
      if (row % (1 / CHANGED) === 0) change(current.subarray(row * dim, (row + 1) * dim))
    const side = (data) => ({ vectors: data.slice(0, sample * dim), lengths: lengthsOf(data, dim) })
    const { drifted, norms } = await difference(side(reference), side(current), {
      dim,
      metric: values.distance,
      seed: random.below(2 ** 31),
      signal: new AbortController().signal,
    })
    if (drifted) told.found++
    if (norms && norms.pValue < 0.01 / 4) told.norms++
  }
  return told
}

/** Different rows at random, the first of a shuffle. */
function chosen(most) {
  const order = Uint32Array.from({ length: rows }, (_, at) => at)
  for (let at = 0; at < most; at++) {
    const other = at + random.below(rows - at)
    ;[order[at], order[other]] = [order[other], order[at]]
  }
  return order.subarray(0, most)
}

function rowsAt(order) {
  const data = new Float32Array(order.length * dim)
  for (const [to, row] of order.entries()) data.set(vectors.subarray(row * dim, (row + 1) * dim), to * dim)
  return data
}

/** Another model has other axes: the same row in an unrelated basis. */
function rotated(row) {
  const before = row.slice()
  for (let to = 0; to < dim; to++) {
    let sum = 0
    for (let from = 0; from < dim; from++) sum += rotation[to * dim + from] * before[from]
    row[to] = sum
  }
}

/** An orthogonal matrix: random rows, each made orthogonal to those before (Gram and Schmidt). */
function randomRotation() {
  const matrix = Float64Array.from({ length: dim * dim }, normal)
  for (let row = 0; row < dim; row++) {
    const own = matrix.subarray(row * dim, (row + 1) * dim)
    for (let other = 0; other < row; other++) {
      const before = matrix.subarray(other * dim, (other + 1) * dim)
      const product = own.reduce((sum, value, at) => sum + value * before[at], 0)
      for (let at = 0; at < dim; at++) own[at] -= product * before[at]
    }
    const length = Math.hypot(...own)
    for (let at = 0; at < dim; at++) own[at] /= length
  }
  return matrix
}

function readFbin(path) {
  const bytes = readFileSync(path)
  const size = bytes.readUInt32LE(4)
  return {
    vectors: new Float32Array(bytes.buffer.slice(bytes.byteOffset + 8, bytes.byteOffset + bytes.length)),
    dim: size,
  }
}

function madeUp() {
  const { rows: count, dim: size, clusters, inner } = MADE_UP
  const centres = Float32Array.from({ length: clusters * size }, normal)
  const axes = Float32Array.from({ length: inner * size }, normal)
  const data = new Float32Array(count * size)
  for (let row = 0; row < count; row++) {
    const centre = random.below(clusters)
    const own = data.subarray(row * size, (row + 1) * size)
    own.set(centres.subarray(centre * size, (centre + 1) * size))
    for (let axis = 0; axis < inner; axis++) {
      const by = 0.3 * normal()
      for (let at = 0; at < size; at++) own[at] += by * axes[axis * size + at]
    }
  }
  return { vectors: data, dim: size }
}

function scaleAll(data) {
  const lengths = lengthsOf(data, dim)
  for (let at = 0; at < data.length; at++) data[at] /= lengths[Math.floor(at / dim)] || 1
}
