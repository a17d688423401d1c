// Time without an owner after kill -9: from the kill until another node has acknowledged a write.
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCollection, point, until, withPlace } from '../lib/store-nodes.mjs'
import { fixed, table } from '../lib/table.mjs'

export const measure = async ({ rounds, 'owner-timeout-ms': timeoutMs }) => {
  const seconds = []
  for (let round = 0; round < Number(rounds); round++) seconds.push(await once(timeoutMs))
  seconds.sort((a, b) => a - b)
  const median = seconds[Math.floor(seconds.length / 2)]
  return table(
    ['rounds', 'timeout ms', 'median s', 'most s'],
    [[rounds, timeoutMs, fixed(median), fixed(seconds.at(-1))]],
  )
}

const once = (timeoutMs) =>
  withPlace(async ({ store: openStore, node }) => {
    const store = await openStore('file')
    const args = ['--owner-timeout-ms', timeoutMs]
    const owner = await node('owner', { store, args })
    const other = await node('other', { store, args })
    await makeCollection(owner, 'things')
    const put = async (id) =>
      (await other.ask('PUT', '/collections/things/points?wait=true', { points: [point(id)] })).status
    await until(async () => (await put(0)) === 200)
    // Between two heartbeats, as a kill would come.
    await sleep(Math.random() * Number(timeoutMs))
    const killedMs = performance.now()
    await owner.end('SIGKILL')
    await until(async () => (await put(1)) === 200)
    return (performance.now() - killedMs) / 1000
  })
