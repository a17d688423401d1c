// The start of a node whose log has many objects that SlateDB still retains.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCollection, point, withPlace } from '../lib/store-nodes.mjs'
import { fixed, round, table } from '../lib/table.mjs'

export const measure = ({ writes }) =>
  withPlace(async ({ store: openStore, node }) => {
    const store = await openStore('file')
    const args = ['--commit-window-ms', '1']
    const owner = await node('owner', { store, args })
    await makeCollection(owner, 'things')
    const parts = [0.5, 1].map((share) => Math.round(Number(writes) * share))
    const lines = []
    let id = 0
    let writing = owner
    for (const part of [0, ...parts]) {
      for (; id < part; id++) await writing.must('PUT', '/collections/things/points?wait=true', { points: [point(id)] })
      await writing.end('SIGKILL')
      const objects = readdirSync(join(fileURLToPath(store.address), 'log', 'wal')).length
      writing = await node(`next-${part}`, { store, args: [...args, '--owner-timeout-ms', '200'], isReady: false })
      const startedMs = performance.now()
      const reader = await node(`reader-${part}`, { store, args: ['--role', 'query'], isReady: false })
      const readSeconds = (performance.now() - startedMs) / 1000
      await reader.end('SIGKILL')
      lines.push([round(objects), fixed(writing.readySeconds), fixed(readSeconds)])
      // It owns the store once it takes a write.
      while ((await writing.ask('PUT', '/collections/things/points?wait=true', { points: [point(0)] })).status !== 200);
    }
    return table(['retained objects of the log', 'a write node starts s', 'a query node starts s'], lines)
  })
