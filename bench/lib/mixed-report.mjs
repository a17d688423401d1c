// The results of `--parts mixed`: a table, and the claims about it.
import { medianOf } from './measure.mjs'
import { fixed, round, table } from './table.mjs'

const BOUNDS = { rate: 0.7, recallLost: 0.01, ackMs: 50, kept: 0.95 }

export function mixedTable(mixed) {
  const heads = [
    'through',
    'searches in flight',
    'inserts/s',
    'QPS',
    'recall',
    'p50 µs',
    'p99 µs',
    'write p50 ms',
    'p99',
    'most',
  ]
  const rows = Object.values(mixed)
    .filter(Boolean)
    .flatMap(({ through, searches, without, during, writes }) => [
      [through, searches, 0, ...searched(without), '', '', ''],
      [
        through,
        searches,
        round(writes.perSecond),
        ...searched(during),
        ...[writes.p50, writes.p99, writes.most].map((micros) => fixed(micros / 1000, 1)),
      ],
    ])
  return table(heads, rows)
}

const searched = ({ qps, recall, p50, p99 }) => [round(qps), fixed(recall, 4), round(p50), round(p99)]

export function* mixedVerdict(mixed) {
  for (const result of Object.values(mixed).filter(Boolean)) {
    const { through, without, during, ratios, writes, insertsPerSecond, asked } = result
    const ratio = medianOf(ratios)
    const what = `mixed load, ${through}`
    yield {
      check: `${what}: QPS while ${insertsPerSecond} points/s come in, over QPS without`,
      pass: ratio >= BOUNDS.rate && writes.perSecond >= BOUNDS.kept * insertsPerSecond,
      value: fixed(ratio),
      bound: `≥ ${BOUNDS.rate}`,
      detail: `in turns ${ratios.map((one) => fixed(one)).join(', ')}; ${round(during.qps)} / ${round(without.qps)} QPS, ${round(writes.perSecond)} inserts/s`,
    }
    yield {
      // Live recall lowers an effort that gets more than was asked for, so the recall asked for is enough.
      check: `${what}: recall meanwhile less recall without`,
      pass: during.recall >= Math.min(asked, without.recall - BOUNDS.recallLost),
      value: fixed(during.recall - without.recall, 4),
      bound: `≥ -${BOUNDS.recallLost}, or ${asked} found`,
      detail: `${fixed(during.recall, 4)} / ${fixed(without.recall, 4)}`,
    }
    yield {
      check: `${what}: p99 of a write with wait=true, ms`,
      pass: writes.p99 <= BOUNDS.ackMs * 1000,
      value: fixed(writes.p99 / 1000, 1),
      bound: `≤ ${BOUNDS.ackMs}`,
      detail: `p50 ${fixed(writes.p50 / 1000, 1)}, most ${fixed(writes.most / 1000, 1)} ms`,
    }
  }
}
