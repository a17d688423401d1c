// An empty node until its first answer, beside a build of the same index, and the bytes that it fetched.
import { join } from 'node:path'
import { bytesBelow, fill, indexed, makeCollection, search, withPlace } from '../lib/store-nodes.mjs'
import { fixed, mb, table } from '../lib/table.mjs'

const QUERIES_AFTER = 200

export const measure = ({ rows, store: kind, 'get-ms': getMs }) =>
  withPlace(async ({ root, store: openStore, node }) => {
    const store = await openStore(kind, 0, Number(getMs))
    const owner = await node('owner', { store })
    await makeCollection(owner, 'things')
    const builtMs = performance.now()
    await fill(owner, 'things', Number(rows))
    await indexed(owner, 'things')
    const buildSeconds = (performance.now() - builtMs) / 1000
    // A clean end flushes what the segments lack.
    await owner.end('SIGTERM')
    const startedMs = performance.now()
    const cold = await node('cold', { store, args: ['--role', 'query'], isReady: false })
    const listensSeconds = (performance.now() - startedMs) / 1000
    const answer = await search(cold, 'things', 1)
    const seconds = (performance.now() - startedMs) / 1000
    if (answer.points.length !== 10) throw new Error('the first answer is not whole')
    const atFirst = bytesBelow(join(root, 'cold'))
    for (let row = 0; row < QUERIES_AFTER; row++) await search(cold, 'things', row)
    const after = bytesBelow(join(root, 'cold'))
    const answerSeconds = seconds - listensSeconds
    const heads = [
      'store',
      'build s',
      'process starts s',
      'first answer s',
      'build / first answer',
      'fetched by then',
      'after 200 queries',
    ]
    return table(heads, [
      [
        kind,
        fixed(buildSeconds, 1),
        fixed(listensSeconds),
        fixed(answerSeconds, 3),
        fixed(buildSeconds / answerSeconds, 1),
        mb(atFirst),
        mb(after),
      ],
    ])
  })
