// One system opens the index it built before and searches it, in a fresh process.
import { dataset, K, readMatrix, workFolder } from '../lib/datasets.mjs'
import { recall, sweep, timed } from '../lib/measure.mjs'
import { SYSTEMS } from '../systems/index.mjs'

export async function search({ system, data, limit, m, efConstruct, efs, recalls }) {
  const set = dataset(data, limit)
  const adapter = await SYSTEMS[system]()
  const folder = workFolder(set, system.replace(' ', '-'))
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)

  const probe = matrix.row(0)
  // Opening ends with the first answer: a store that reads its files later pays for it here.
  let opened
  const opening = await timed(async () => {
    opened = await adapter.open({ folder, set, m, efConstruct, efs, recalls })
    const first = opened.sweeps[0]
    await first.search(opened.prepareQuery?.(probe) ?? probe, efs[0])
  })
  const prepare = opened.prepareQuery ?? ((query) => query)
  const queries = Array.from({ length: matrix.count }, (_, i) => prepare(matrix.row(i)))
  const rows = []
  for (const { leastEf = 0, efforts = efs, ...one } of opened.sweeps) {
    rows.push(...(await sweep({ efs: efforts.filter((ef) => ef >= leastEf), queries, truth, ...one })))
  }
  if (opened.batch) rows.push(...batchSweep(opened.batch, { efs, matrix, truth }))
  await opened.close()
  return { openSeconds: opening.wall, rows }
}

/** For a system whose threads share the queries of one call: no latency of single queries to report. */
function batchSweep({ threads, search: searchAll }, { efs, matrix, truth }) {
  return efs.map((ef) => {
    const keys = searchAll(matrix.data, ef)
    const found = Array.from({ length: matrix.count }, (_, q) => keys.subarray(q * K, (q + 1) * K))
    const rates = [0, 1, 2].map(() => {
      const started = performance.now()
      searchAll(matrix.data, ef)
      return (matrix.count / (performance.now() - started)) * 1000
    })
    rates.sort((a, b) => b - a)
    const rate = { qps: rates[0], qpsMedian: rates[1], p50: null, p99: null }
    return { variant: 'batch', ef, inFlight: threads, recall: recall(found, truth), ...rate }
  })
}
