// Reading rows of a sweep: the rate at a recall.

export const TARGET_RECALL = 0.95

/**
 * Queries a second at a recall, on the sweep's frontier. Between two measured points log(QPS) is taken to be linear in
 * recall. null if the recall is not reached; the first point's rate if the sweep starts above it.
 */
export function qpsAt(rows, target = TARGET_RECALL) {
  const frontier = frontierOf(rows)
  const above = frontier.findIndex((row) => row.recall >= target)
  if (above < 0) return null
  const high = frontier[above]
  const low = frontier[above - 1]
  if (!low) return high.qps
  const share = (target - low.recall) / (high.recall - low.recall)
  return Math.exp(Math.log(low.qps) + share * (Math.log(high.qps) - Math.log(low.qps)))
}

/** Rows that no other beats in both recall and rate, by rising recall. */
export function frontierOf(rows) {
  const byRecall = [...rows].sort((a, b) => a.recall - b.recall || a.qps - b.qps)
  return byRecall.filter((row, i) => byRecall.slice(i + 1).every((other) => other.qps < row.qps))
}

/** The two values of ef between which the recall is reached, or the one nearest to it. */
export function bracket(rows, target = TARGET_RECALL) {
  const byEf = [...rows].sort((a, b) => a.ef - b.ef)
  const above = byEf.findIndex((row) => row.recall >= target)
  if (above < 0) return [byEf[byEf.length - 1].ef]
  return above === 0 ? [byEf[0].ef] : [byEf[above - 1].ef, byEf[above].ef]
}

export const rowsOf = (rows, inFlight, keep = () => true) =>
  rows.filter((row) => row.inFlight === inFlight && keep(row))
