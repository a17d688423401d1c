/** The contract suite on a node that only reads: the owner of the store does the rest for it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connect } from '../../src/client/index.js'
import { type DatabaseUnderTest, describeDatabase } from '../contract/database.contract.js'
import { REPOSITORY } from '../durability/child.js'
import { NodeProcess } from './node-process.js'

async function asQueryNode(): Promise<DatabaseUnderTest> {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-contract-'))
  const start = (role: string) =>
    NodeProcess.start({
      main: join(REPOSITORY, 'dist/cli/main.js'),
      args: ['--store', pathToFileURL(join(root, 'bucket')).href, '--cache', join(root, role), '--role', role],
      env: { VICINAL_CLUSTER_KEY: 'a-key-that-only-nodes-have', VICINAL_API_KEY: 'contract' },
      cwd: root,
    })
  const owner = await start('write,query')
  const reader = await start('query')
  const database = await connect(reader.url, { apiKey: 'contract', streams: true })
  return {
    database,
    async dispose() {
      await database.close()
      for (const node of [reader, owner]) await node.end('SIGKILL')
      rmSync(root, { recursive: true, force: true })
    },
  }
}

describeDatabase('a query node beside an owner', asQueryNode)
