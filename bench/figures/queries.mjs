// Queries a second of two query processes beside one.
import { fill, indexed, makeCollection, percentiles, search, withPlace } from '../lib/store-nodes.mjs'
import { fixed, round, table } from '../lib/table.mjs'

export const measure = ({ rows, seconds, connections }) =>
  withPlace(async ({ store: openStore, node }) => {
    const store = await openStore('file')
    const owner = await node('owner', { store })
    await makeCollection(owner, 'things')
    await fill(owner, 'things', Number(rows))
    await indexed(owner, 'things')
    const nodes = [
      await node('one', { store, args: ['--role', 'query'] }),
      await node('two', { store, args: ['--role', 'query'] }),
    ]
    const lines = []
    for (const asked of [[nodes[0]], nodes]) {
      for (const one of asked) await search(one, 'things', 0)
      const millis = await load(asked, Number(connections), Number(seconds) * 1000, Number(rows))
      const { p50, p99 } = percentiles(millis)
      lines.push([asked.length, millis.length / Number(seconds), p50, p99])
    }
    const first = lines[0][1]
    return table(
      ['query processes', 'queries/s', '× one', 'p50 ms', 'p99 ms'],
      lines.map(([count, rate, p50, p99]) => [count, round(rate), fixed(rate / first), fixed(p50, 1), fixed(p99, 1)]),
    )
  })

async function load(nodes, connections, ms, rows) {
  const millis = []
  const endMs = performance.now() + ms
  const lane = async (lane) => {
    for (let at = lane; performance.now() < endMs; at += connections) {
      const beforeMs = performance.now()
      await search(nodes[lane % nodes.length], 'things', at % rows)
      millis.push(performance.now() - beforeMs)
    }
  }
  await Promise.all(Array.from({ length: connections }, (_, at) => lane(at)))
  return millis
}
