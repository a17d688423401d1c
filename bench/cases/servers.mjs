// Servers over loopback: one and eight connections, each at the least effort that reaches a recall of 0.95. All run at
// once and are asked in turns, so that a slow minute of the machine meets them alike; who is not asked has nothing to do.
import { say } from '../lib/child.mjs'
import { dataset, readMatrix } from '../lib/datasets.mjs'
import { load } from '../lib/load.mjs'
import { PASSES, recall, summary, timed } from '../lib/measure.mjs'
import { TARGET_RECALL } from '../lib/rates.mjs'
import { SERVED } from '../served/index.mjs'

const CONNECTIONS = [1, 8]
const ROUNDS = 5
/** What a turn takes at least: of a fast server one pass over the queries is over before its thread has a core. */
const TURN_SECONDS = 1

/** By system { rows, fillSeconds, note }, or { error } of one that could not be measured. */
export async function servers({ systems, data, limit, m, efConstruct }) {
  const set = dataset(data, limit)
  const truth = readMatrix(set.truth, Int32Array)
  const matrix = readMatrix(set.queriesFile)
  const queries = Array.from({ length: matrix.count }, (_, i) => matrix.row(i))
  const found = {}
  const opened = []
  try {
    for (const system of systems) {
      try {
        const { open } = await SERVED[system]()
        const { value: server, wall } = await timed(() => open({ set, m, efConstruct }))
        opened.push(server)
        const runs = await runsOf(server, queries, truth)
        found[system] = { runs, fillSeconds: wall, note: server.note ?? '' }
      } catch (error) {
        // One that fails must not cost the others' numbers.
        say(`${system} failed: ${error.message}`)
        found[system] = { error: error.message }
      }
    }
    const runs = Object.values(found).flatMap((system) => system.runs ?? [])
    for (let round = 0; round < ROUNDS; round++) for (const run of runs) await run.again()
  } finally {
    for (const server of opened) await server.stop()
  }
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
    const { port, protocol } = server
    const opening = server.opening(ef)
    const ask = (passes) => load({ port, protocol, opening, requests, connections: inFlight, passes })
    const { passes, answers } = await ask(PASSES)
    // What is found may change while it is asked: the lower recall counts.
    const recalls = [answers.slice(0, requests.length), answers.slice(-requests.length)].map((some) => {
      const found = []
      for (const { at, bytes } of some) found[at] = server.decode(bytes)
      return recall(found, truth)
    })
    const row = { variant, ef, inFlight, recall: Math.min(...recalls) }
    if (row.recall < TARGET_RECALL && at < server.efforts.length - 1) continue
    const ofTurn = Math.ceil(TURN_SECONDS / Math.min(...passes.map(({ seconds }) => seconds)))
    const timed = []
    // A first pass of each turn warms caches that others have used, and is not timed.
    return { row, passes: timed, again: async () => timed.push(...(await ask(ofTurn)).passes) }
  }
}
