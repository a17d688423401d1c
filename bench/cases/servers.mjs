// Servers over loopback: one and eight connections, each at the least effort that reaches a recall of 0.95. All run at
// once and are asked in turns, so that a slow minute of the machine meets them alike, in another order each time.
import { say } from '../lib/child.mjs'
import { dataset, readMatrix } from '../lib/datasets.mjs'
import { load } from '../lib/load.mjs'
import { PASSES, recall, summary, timed } from '../lib/measure.mjs'
import { TARGET_RECALL } from '../lib/rates.mjs'
import { SERVED } from '../served/index.mjs'

const CONNECTIONS = [1, 8]
const ROUNDS = 5
/** Length of a turn: a fast server does one pass over the queries in a fifth of it. */
const TURN_SECONDS = 1
/** How long a server is asked before: one that has waited for its turn for a minute needs that long to be as fast as it was. */
const WARM_SECONDS = 1

/** By system { rows, fillSeconds, note }, or { error } of one that could not be measured: it must not cost the others' numbers. */
export async function servers({ systems, data, limit, m, efConstruct, tiny }) {
  const set = dataset(data, limit)
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)
  const queries = Array.from({ length: matrix.count }, (_, i) => matrix.row(i))
  const found = {}
  const attempt = async (system, work) => {
    try {
      if (!found[system]?.error) await work()
    } catch (error) {
      say(`${system} failed: ${error.message}`)
      found[system] = { error: error.message }
    }
  }
  const opened = []
  for (const system of systems) {
    await attempt(system, async () => {
      const { open } = await SERVED[system]()
      const { value: server, wall } = await timed(() => open({ set, m, efConstruct }))
      opened.push(server)
      const runs = await runsOf(server, queries, truth)
      found[system] = { runs, fillSeconds: wall, note: server.note ?? '' }
    })
  }
  const runs = Object.entries(found).flatMap(([system, { runs = [] }]) => runs.map((run) => ({ system, run })))
  for (let round = 0; round < (tiny ? 1 : ROUNDS); round++) {
    const inTurn = [...runs.slice(round % runs.length), ...runs.slice(0, round % runs.length)]
    for (const { system, run } of inTurn) await attempt(system, () => run.again())
  }
  await Promise.allSettled(opened.map((server) => server.stop()))
  return Object.fromEntries(
    Object.entries(found).map(([name, { runs, ...rest }]) => [name, { ...rest, rows: runs?.map(rowOf) ?? [] }]),
  )
}

const rowOf = ({ row, passes }) => ({ ...row, ...summary(passes) })

/** One for each variant and number of connections, warm and with its effort found. */
async function runsOf(server, queries, truth) {
  const runs = []
  for (const variant of server.variants ?? ['']) {
    for (const inFlight of CONNECTIONS) runs.push(await least(server, { variant, inFlight, queries, truth }))
  }
  return runs
}

/** At the least effort that reaches the recall; `again()` has another turn. */
async function least(server, { variant, inFlight, queries, truth }) {
  for (const [at, ef] of server.efforts.entries()) {
    const requests = queries.map((query) => server.encode(query, ef, variant))
    const ask = async (count) => {
      const { passes, answers } = await load({
        port: server.port,
        protocol: server.protocol(variant),
        opening: server.opening(ef, variant),
        requests,
        connections: inFlight,
        passes: count,
      })
      return { passes, recall: leastRecall(answers, requests.length, truth, (bytes) => server.decode(bytes, variant)) }
    }
    const first = await ask(PASSES)
    if (first.recall < TARGET_RECALL && at < server.efforts.length - 1) continue
    const passesIn = (seconds) => Math.ceil(seconds / Math.min(...first.passes.map((pass) => pass.seconds)))
    const [warming, ofTurn] = [passesIn(WARM_SECONDS), passesIn(TURN_SECONDS)]
    const run = { row: { variant, ef, inFlight, recall: first.recall }, passes: [] }
    run.again = async () => {
      const { passes, recall } = await ask(warming + ofTurn)
      run.passes.push(...passes.slice(warming))
      run.row.recall = Math.min(run.row.recall, recall)
    }
    return run
  }
}

/** Of the first pass and the last one: answers may change while the server is asked. */
function leastRecall(answers, count, truth, decode) {
  const recalls = [answers.slice(0, count), answers.slice(-count)].map((some) => {
    const found = []
    for (const { at, bytes } of some) found[at] = decode(bytes)
    return recall(found, truth)
  })
  return Math.min(...recalls)
}
