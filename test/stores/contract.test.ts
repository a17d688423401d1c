/**
 * The contract suite on a node that only reads: what it cannot do itself the owner of the store does. The whole of it:
 * `VICINAL_CONTRACT=all npm test -- test/stores/contract`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connect } from '../../src/client/index.js'
import { type ContractPart, type DatabaseUnderTest, describeDatabase } from '../contract/database.contract.js'
import { REPOSITORY } from '../durability/child.js'
import { NodeProcess } from './node-process.js'

/** What a reader learns by other ways than from the log, and what it forwards. */
const MOST_TELLING: ContractPart[] = ['collections', 'ensure', 'aliases', 'config', 'ingest', 'conditional']
const PARTS = process.env.VICINAL_CONTRACT === 'all' ? undefined : MOST_TELLING

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

describeDatabase('a query node beside an owner', asQueryNode, PARTS)
