// A server over loopback: one and eight connections, at the least effort that reaches a recall of 0.95. The first pass
// is not timed.
import { dataset, readMatrix } from '../lib/datasets.mjs'
import { load } from '../lib/load.mjs'
import { PASSES, recall, summary, timed } from '../lib/measure.mjs'
import { TARGET_RECALL } from '../lib/rates.mjs'
import { SERVED } from '../served/index.mjs'

const CONNECTIONS = [1, 8]

export async function servers({ system, data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)
  const queries = Array.from({ length: matrix.count }, (_, i) => matrix.row(i))
  const { open } = await SERVED[system]()
  const filling = await timed(() => open({ set, m, efConstruct }))
  const server = filling.value
  const rows = []
  try {
    for (const variant of server.variants ?? ['']) {
      for (const inFlight of CONNECTIONS) rows.push(await least(server, { variant, inFlight, queries, truth }))
    }
  } finally {
    await server.stop()
  }
  return { rows, fillSeconds: filling.wall, note: server.note ?? '' }
}

async function least(server, { variant, inFlight, queries, truth }) {
  let row
  for (const ef of server.efforts) {
    const requests = queries.map((query) => server.encode(query, ef, variant))
    const { passes, answers } = await load({
      port: server.port,
      protocol: server.protocol,
      opening: server.opening(ef),
      requests,
      connections: inFlight,
      passes: PASSES,
    })
    // What is found may change while it is asked: the lower recall counts.
    const recalls = [answers.slice(0, requests.length), answers.slice(-requests.length)].map((some) => {
      const found = []
      for (const { at, bytes } of some) found[at] = server.decode(bytes)
      return recall(found, truth)
    })
    row = { variant, ef, inFlight, recall: Math.min(...recalls), ...summary(passes) }
    if (row.recall >= TARGET_RECALL) break
  }
  return row
}
