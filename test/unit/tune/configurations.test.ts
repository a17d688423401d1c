import { describe, expect, it } from 'vitest'
import type { ResolvedVector } from '../../../src/core/schema.js'
import {
  type Configuration,
  changeOf,
  changeTo,
  choose,
  finalists,
  firstBuilds,
  furtherBuilds,
  type Pace,
  paceAt,
  presentOf,
  type Trial,
} from '../../../src/tune/configurations.js'
import { curves } from '../../../src/tune/curve.js'
import { table } from '../../../src/tune/table.js'

const PRESENT: Configuration = { quantization: 'auto', m: 16, onDisk: false }
const ANY = { recall: 0.95, memoryBytes: null }

function pace(asked: number, recall: number, queriesPerSecond: number): Pace {
  return { asked, recall, uncertainty: 0.002, queriesPerSecond, p50Ms: 1, p99Ms: 2 }
}

function trial(of: Partial<Configuration>, recall: number, speed: number, memoryBytes = 1000): Trial {
  return {
    configuration: { ...PRESENT, ...of },
    buildSeconds: 1,
    memoryBytes,
    paces: [pace(0.9, recall - 0.05, speed * 2), pace(0.95, recall, speed), pace(0.99, recall + 0.03, speed / 2)],
  }
}

describe('the choice', () => {
  it('is the fastest at the requested recall, not the fastest of all', () => {
    const careless = trial({ quantization: 'rabitq1' }, 0.9, 1000)
    const slow = trial({ quantization: 'none' }, 0.99, 100)
    const right = trial({ quantization: 'sq8' }, 0.96, 500)
    expect(choose([careless, slow, right], PRESENT, { recall: 0.96, memoryBytes: null })?.trial).toBe(right)
  })

  it('uses more effort if the recall is missed at the planned effort', () => {
    const short = trial({ quantization: 'rabitq1' }, 0.94, 1000)
    expect(paceAt(short, 0.95)).toMatchObject({ asked: 0.99, queriesPerSecond: 500 })
  })

  it('accepts a recall that misses the target only by chance', () => {
    expect(choose([trial({ m: 8 }, 0.949, 500)], PRESENT, ANY)?.trial.configuration.m).toBe(8)
  })

  it('keeps within memory even if the fastest does not', () => {
    const large = trial({ quantization: 'none' }, 0.97, 900, 5000)
    const small = trial({ quantization: 'sq8', onDisk: true }, 0.97, 300, 900)
    expect(choose([large, small], PRESENT, { recall: 0.95, memoryBytes: 1000 })?.trial).toBe(small)
    expect(choose([large, small], PRESENT, ANY)?.trial).toBe(large)
  })

  it('is none if none reaches the recall or fits into memory', () => {
    expect(choose([trial({}, 0.8, 900)], PRESENT, ANY)).toBeNull()
    expect(choose([trial({}, 0.99, 900)], PRESENT, { recall: 0.95, memoryBytes: 999 })).toBeNull()
  })

  it('is the present configuration if nothing is faster by more than the error of measurement', () => {
    const present = trial({}, 0.97, 1000)
    expect(choose([present, trial({ m: 8 }, 0.97, 1040)], PRESENT, ANY)?.trial).toBe(present)
    expect(choose([present, trial({ m: 8 }, 0.97, 1100)], PRESENT, ANY)).toMatchObject({
      trial: { configuration: { m: 8 } },
      why: expect.stringContaining('1.10 times'),
    })
  })
})

describe('the final', () => {
  it('measures the fastest that meet the target, and the present configuration', () => {
    const able = [1, 2, 3, 4, 5, 6].map((speed) => trial({ quantization: 'sq8', m: speed }, 0.97, speed * 100))
    const own = trial({}, 0.7, 50)
    const final = finalists([...able, trial({ m: 99 }, 0.8, 900), own], PRESENT, ANY)
    expect(final.map(({ configuration }) => configuration.m)).toEqual([6, 5, 4, 3, 16])
  })
})

describe('the builds', () => {
  it('begin with every kind of code and the present configuration, then vary the graph of the two best', () => {
    const own: Configuration = { quantization: 'sq8', m: 24, onDisk: true }
    const first = firstBuilds(own, 'Cosine')
    expect(first.map(({ quantization }) => quantization)).toEqual(['auto', 'none', 'sq8', 'rabitq4', 'rabitq1', 'sq8'])
    expect(first.at(-1)).toMatchObject({ m: 24 })
    const trials = first.map((build, at) => trial(build, build.quantization === 'rabitq1' ? 0.8 : 0.97, 100 + at))
    const further = furtherBuilds(trials, { recall: 0.97, memoryBytes: null })
    expect(further).toEqual([
      { quantization: 'rabitq4', m: 8, onDisk: false },
      { quantization: 'rabitq4', m: 32, onDisk: false },
      { quantization: 'sq8', m: 8, onDisk: false },
      { quantization: 'sq8', m: 32, onDisk: false },
    ])
  })

  it('are without codes under Manhattan', () => {
    const memory = { vectors: 'cold', graph: 'cached', codes: 'cached' }
    const present = presentOf({ distance: 'Manhattan', quantization: 'auto', m: 16, memory } as ResolvedVector)
    expect(present).toEqual({ quantization: 'none', m: 16, onDisk: false })
    expect(firstBuilds(present, 'Manhattan')).toEqual([present])
  })
})

describe('what is applied', () => {
  const placed = { vectors: 'cached', graph: 'cached', codes: 'pinned' } as const
  const present = { quantization: 'sq8', m: 16, memory: placed, distance: 'Cosine' } as const

  it('is only the difference', () => {
    const same = { quantization: 'sq8', m: 16, onDisk: false } as const
    expect(changeTo(same, present)).toEqual({})
    expect(changeTo({ ...same, m: 32 }, present)).toEqual({ hnswConfig: { m: 32 } })
    expect(changeTo({ ...same, onDisk: true }, present)).toEqual({ memory: 'cold' })
    const cold = { ...present, memory: { ...placed, vectors: 'cold' } } as const
    expect(changeTo(same, cold)).toEqual({ memory: 'cached' })
    expect(changeTo({ ...same, onDisk: true }, cold)).toEqual({})
    const manhattan = { ...present, quantization: 'auto', distance: 'Manhattan' } as const
    expect(changeTo({ quantization: 'none', m: 8, onDisk: false }, manhattan)).toEqual({ hnswConfig: { m: 8 } })
  })

  it('is a change of the collection, if it has one vector that follows it', () => {
    const change = { quantization: 'sq8', hnswConfig: { m: 8 }, memory: 'cold' } as const
    const vector = { name: 'v', overrides: {} } as ResolvedVector
    const { memory, ...rest } = change
    expect(changeOf(change, vector, true)).toEqual({ ...rest, vectors: { v: { memory } } })
    expect(changeOf(rest, vector, true)).toEqual(rest)
    const apart = { vectors: { v: change } }
    expect(changeOf(change, vector, false)).toEqual(apart)
    for (const overrides of [{ quantization: 'none' as const }, { hnswConfig: { m: 4 } }]) {
      expect(changeOf(change, { ...vector, overrides }, true)).toEqual(apart)
    }
  })

  it('keeps the placement of codes', () => {
    const to = (quantization: Configuration['quantization'], codes: 'pinned' | 'cold' | 'cached') =>
      changeTo(
        { quantization, m: 16, onDisk: false },
        { ...present, quantization: 'auto', memory: { ...placed, codes } },
      )
    expect(to('sq8', 'pinned')).toEqual({ quantizationConfig: { scalar: { type: 'int8', memory: 'pinned' } } })
    expect(to('rabitq4', 'cold')).toEqual({ quantizationConfig: { turbo: { bits: 'bits4', memory: 'cold' } } })
    expect(to('rabitq1', 'pinned')).toEqual({ quantizationConfig: { binary: { memory: 'pinned' } } })
    expect(to('rabitq1', 'cached')).toEqual({ quantization: 'rabitq1' })
    expect(to('none', 'pinned')).toEqual({ quantization: 'none' })
  })
})

describe('the output', () => {
  const trials = [
    trial({ quantization: 'rabitq1', m: 8, onDisk: true }, 0.7, 12_345, 1_500_000),
    trial({ quantization: 'sq8' }, 0.97, 2000, 4_000_000_000),
  ]

  it('is a table with aligned columns', () => {
    const chosen = { ...PRESENT, quantization: 'sq8' as const }
    const lines = table(
      trials,
      { recall: 0.95, memoryBytes: 1e9 },
      {
        present: PRESENT,
        final: trials.slice(1),
        chosen,
      },
    )
    expect(lines).toEqual([
      'codes     m  vectors    build s  memory  ask for  recall@10  p50 ms  p99 ms  queries/s',
      'sq8      16  in memory      1.0  4.0 GB     0.95     0.9700   1.000   2.000      2,000  chosen, final, too large',
      'rabitq1   8  on disk        1.0  1.5 MB     0.99     0.7300   1.000   2.000      6,173  recall is missed',
    ])
  })

  it('has a line for each configuration within the plot', () => {
    const svg = curves('a < b & c', trials, 0.95)
    expect(svg.match(/<polyline /g)).toHaveLength(2)
    expect(svg).toContain('a &lt; b &amp; c')
    expect(svg).toContain('rabitq1, m 8, vectors on disk')
    for (const [, x, y] of svg.matchAll(/cx="([\d.-]+)" cy="([\d.-]+)"/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(80)
      expect(Number(x)).toBeLessThanOrEqual(670)
      expect(Number(y)).toBeGreaterThanOrEqual(48)
      expect(Number(y)).toBeLessThanOrEqual(464)
    }
  })
})
