import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ran } from './bench-program.js'

interface Row {
  variant?: string
  /** Or the requested recall. */
  ef: number
  inFlight: number
  recall: number
  qps: number
  codec?: string
}
interface Ingested {
  points: number
  pointsPerSecond: number
}
interface Rated {
  recall: number
  qps: number
  reached: boolean
}
interface Loaded {
  during: { recall: number; qps: number }
  writes: { perSecond: number }
}
interface Timed {
  p50: number
}
interface Counted {
  count: number
  facet: [number, number][]
}
interface Answered {
  count: Timed & { answer: number }
  facet: Timed & { answer: [number, number][] }
}
interface Run {
  maxsim: {
    shape: { candidates: number; tokens: number; queryTokens: number }
    kernel: Timed
    both: Timed
    distances: number
  }
  data: {
    tiny: {
      rows: number
      systems: Record<string, { build: { wallSeconds: number; rows: number }; search: { rows: Row[] }; error?: string }>
      errors?: Record<string, string>
      rebuild: { indexedSeconds: number }
      service: { rows: Row[] }
      ingest: { library: Ingested; service: Ingested; profile: Ingested & { mainThread: { name: string }[] } }
      filters: {
        native: Record<'scan' | 'vicinal' | 'hnswlib', Record<string, Rated>>
        systems: Record<string, { rows: Record<string, Rated>; scans: Record<string, Rated> | null }>
      }
      counts: { expected: Record<string, Counted>; systems: Record<string, Record<string, Answered>> }
      sparse: { texts: number; systems: Record<string, Timed & { recall: number; error: number }> }
      hybrid: { dense: Timed; text: Timed; hybrid: Timed; kept: { dense: number; text: number } }
      servers: Record<string, { rows: Row[] }>
      mixed: { library: Loaded; service: Loaded }
      verdict: { check: string; pass: boolean }[]
    }
  }
}

const BENCH = fileURLToPath(new URL('../../bench/bench.mjs', import.meta.url))
const SYSTEMS = ['vicinal', 'vicinal on disk', 'hnswlib-node']

const FILTERS = ['0.1 %', '1 %', '10 %', '50 %', '90 %', '10 % with', '10 % against']
const CLAIMS = [
  'recall',
  'library',
  'build',
  'vectors on disk',
  'reopening',
  'service',
  'ingestion',
  'mixed load',
  ...FILTERS.map((name) => `filter ${name}`),
  'count of filtered rows',
  'facet of filtered rows',
  'full text',
  'hybrid',
]
const MINUTE = 60_000

/** Runs the benchmark on a few thousand vectors from end to end and checks its output; no timings. */
describe('bench --tiny', () => {
  const out = mkdtempSync(join(tmpdir(), 'vicinal-bench-'))
  let stdout = ''
  let run: Run['data']['tiny']
  let maxsim: Run['maxsim']

  beforeAll(async () => {
    const child = await ran(BENCH, ['--tiny', '--as-is', '--out', out], 40 * MINUTE)
    expect(child.stderr).not.toMatch(/failed/)
    expect(child.status, child.stderr).toBe(0)
    stdout = child.stdout
    const json = readdirSync(out).find((name) => name.endsWith('.json'))
    const whole = JSON.parse(readFileSync(join(out, json as string), 'utf8')) as Run
    run = whole.data.tiny
    maxsim = whole.maxsim
  }, 45 * MINUTE)
  afterAll(() => rmSync(out, { recursive: true, force: true }))

  test('every system has a row of recall and rate for each ef, and finds nearly everything at the greatest', () => {
    for (const system of SYSTEMS) {
      const result = run.systems[system]
      expect(result?.error).toBeUndefined()
      expect(result?.build.rows).toBe(run.rows)
      for (const row of result?.search.rows ?? []) expect(row.qps).toBeGreaterThan(0)
      const single = (result?.search.rows ?? []).filter((row) => row.inFlight === 1 && !row.variant)
      expect(single.map((row) => row.ef)).toEqual([16, 64])
      expect(single[1]?.recall).toBeGreaterThan(0.98)
    }
  })

  test('the library is also queried by recall, and reaches about that recall', () => {
    for (const system of ['vicinal', 'vicinal on disk']) {
      const asked = (run.systems[system]?.search.rows ?? []).filter((row) => row.variant === 'recall')
      expect(asked.map((row) => row.inFlight)).toEqual([1, 1, 2, 2])
      for (const row of asked) expect(row.recall).toBeGreaterThan(row.ef - 0.05)
    }
  })

  test('the service answers both codecs on one and eight connections, with the recall of the library', () => {
    const ways = run.service.rows.map((row) => `${row.codec} ${row.inFlight}`)
    expect(new Set(ways)).toEqual(new Set(['json 1', 'json 8', 'msgpack 1', 'msgpack 8']))
    const own = run.systems.vicinal?.search.rows ?? []
    for (const row of run.service.rows) {
      const inLibrary = own.find((other) => other.ef === row.ef && other.inFlight === 1 && !other.variant)
      expect(row.recall).toBe(inLibrary?.recall)
    }
  })

  test('all points are ingested both ways, and the profile names functions', () => {
    const { library, service, profile } = run.ingest
    for (const way of [library, service, profile]) expect(way.points).toBe(run.rows)
    expect(profile.mainThread.length).toBeGreaterThan(0)
    expect(run.rebuild.indexedSeconds).toBeGreaterThan(0)
  })

  test('with every filter, kernel, library and peers reach the recall or report what they reached', () => {
    const { native, systems } = run.filters
    const all = [native.scan, native.vicinal, native.hnswlib, systems.vicinal?.rows, systems['hnswlib-node']?.rows]
    for (const rows of all) {
      expect(Object.keys(rows ?? {})).toEqual(['none', ...FILTERS])
      for (const { recall, qps } of Object.values(rows ?? {})) {
        expect(recall).toBeGreaterThan(0.9)
        expect(qps).toBeGreaterThan(0)
      }
    }
    for (const scan of [native.scan, systems.vicinal?.scans]) {
      for (const { recall } of Object.values(scan ?? {})) expect(recall).toBe(1)
    }
  })

  test('counts and facets match the columns', () => {
    const { expected, systems } = run.counts
    expect(Object.keys(expected)).toEqual(FILTERS)
    for (const name of FILTERS) {
      expect(systems.vicinal?.[name]?.count.answer).toBe(expected[name]?.count)
      expect(systems.vicinal?.[name]?.facet.answer).toEqual(expected[name]?.facet)
      expect(expected[name]?.facet.reduce((sum, [, counted]) => sum + counted, 0)).toBe(expected[name]?.count)
    }
  })

  test('full-text search finds what the formula finds, alone and fused', () => {
    const own = run.sparse.systems.vicinal
    expect(run.sparse.texts).toBe(run.rows)
    expect(own?.recall).toBe(1)
    expect(own?.error).toBeLessThan(1e-5)
    const { dense, text, hybrid, kept } = run.hybrid
    for (const { p50 } of [dense, text, hybrid]) expect(p50).toBeGreaterThan(0)
    for (const share of [kept.dense, kept.text]) expect(share).toBeGreaterThan(0.3)
  })

  test('MaxSim computes each dot product of the candidates once', () => {
    const { shape, kernel, both, distances } = maxsim
    expect(distances).toBe(shape.candidates * shape.tokens * shape.queryTokens)
    for (const { p50 } of [kernel, both]) expect(p50).toBeGreaterThan(0)
  })

  test('the server is queried on one and eight connections, also while points are written', () => {
    expect(run.servers.vicinal?.rows.map(({ variant, inFlight }) => [variant, inFlight])).toEqual([
      ['', 1],
      ['', 8],
      ['WebSocket', 1],
      ['WebSocket', 8],
    ])
    for (const { during, writes } of [run.mixed.library, run.mixed.service]) {
      expect(during.recall).toBeGreaterThan(0.9)
      expect(writes.perSecond).toBeGreaterThan(0)
    }
  })

  test('the verdict has a line for each claim, and the tables and the plot are written', () => {
    const claims = run.verdict.map((row) => row.check.split(':')[0]?.split(',')[0])
    expect(new Set(claims)).toEqual(new Set(CLAIMS))
    expect(stdout).toMatch(/\| vicinal +\| +\| 16 \| 16 +\| 1 +\| [01]\.\d{4} \| [\d,]+/)
    const svg = readdirSync(out).find((name) => name.endsWith('tiny.svg')) as string
    expect(readFileSync(join(out, svg), 'utf8')).toMatch(/^<svg[\s\S]*<polyline[\s\S]*<\/svg>\n$/)
  })
})
