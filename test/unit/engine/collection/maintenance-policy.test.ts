import { describe, expect, it } from 'vitest'
import { OutdatedSegments } from '../../../../src/engine/collection/checkpointer.js'
import { nextMaintenanceStep } from '../../../../src/engine/collection/maintenance.js'
import type { ShardStats } from '../../../../src/native/addon.js'

const next = (of: ShardStats, idleMs: number, outdated = new OutdatedSegments()) =>
  nextMaintenanceStep(of, idleMs, outdated)

function stats(segment: Partial<ShardStats['segments'][number]>, behind = 0, calibrating = false): ShardStats {
  const full = {
    segment: 1,
    active: true,
    left: false,
    rows: 0,
    deleted: 0,
    bytes: 0,
    checkpointedRows: 0,
    overlayRows: 0,
    measuredAnew: false,
    ...segment,
  }
  return {
    seq: 1,
    points: full.rows - full.deleted,
    payloadBytes: 0,
    dirty: 0,
    dirtyBytes: 0,
    vectors: [
      {
        live: full.rows,
        indexed: full.rows - behind,
        graphed: full.rows - behind,
        graphBytes: 0,
        vectorBytes: 0,
        codeBytes: 0,
        calibrating,
        recall: {
          ...{ queries: 0, measured: 1, asked: 1, filtered: { queries: 0, measured: 1, asked: 1 } },
          ...{ waiting: 0, settling: false, samples: { stored: 0, live: 0 } },
        },
      },
    ],
    segments: [full],
    payloadIndexes: [],
  }
}

describe('nextMaintenanceStep', () => {
  it('writes calibrations once nothing else is to be done', () => {
    const measured = { rows: 10_000, checkpointedRows: 10_000, measuredAnew: true }
    expect(next(stats(measured), 0)).toBeNull()
    expect(next(stats(measured), 60_000)?.kind).toBe('checkpoint')
    expect(next(stats(measured, 0, true), 60_000)).toBeNull()
    expect(next(stats({ ...measured, measuredAnew: false }), 60_000)).toBeNull()
    expect(next(stats({ ...measured, rows: 10_001 }), 60_000)).toBeNull()
  })

  it('compacts above a fifth of dead rows, and not at exactly a fifth', () => {
    expect(next(stats({ rows: 10_000, deleted: 2_001, checkpointedRows: 10_000 }), 0)?.kind).toBe('compact')
    expect(next(stats({ rows: 10_000, deleted: 2_000, checkpointedRows: 10_000 }), 0)).toBeNull()
  })

  it('checkpoints after growth by half, sooner when idle, and never while the graph is behind', () => {
    expect(next(stats({ rows: 150_000, checkpointedRows: 100_000 }), 0)?.kind).toBe('checkpoint')
    expect(next(stats({ rows: 130_000, checkpointedRows: 100_000 }), 0)).toBeNull()
    expect(next(stats({ rows: 130_000, checkpointedRows: 100_000 }), 60_000)?.kind).toBe('checkpoint')
    expect(next(stats({ rows: 150_000, checkpointedRows: 100_000 }, 1), 60_000)).toBeNull()
    expect(next(stats({ rows: 150_000, checkpointedRows: 100_000 }, 0, true), 60_000)).toBeNull()
  })

  it('moves the rows of a left segment', () => {
    expect(next(stats({ rows: 10, active: false, left: true }), 0)).toEqual({
      kind: 'compact',
      segment: 1,
      active: false,
    })
    expect(next(stats({ rows: 10, active: false }), 0)).toBeNull()
  })

  it('moves the rows of an outdated segment before any other step', () => {
    const outdated = new OutdatedSegments()
    outdated.mark(0)
    expect(next(stats({ rows: 10 }, 5), 0, outdated)).toBeNull()
    outdated.mark(1)
    expect(next(stats({ rows: 10, active: false }, 5), 0, outdated)).toEqual({
      kind: 'compact',
      segment: 1,
      active: false,
    })
  })
})
