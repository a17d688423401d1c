import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe } from 'vitest'
import { databasesOn } from './database.contract.js'

describe('a database on a file store', () => {
  databasesOn((root) => pathToFileURL(join(root, 'bucket', 'prefix')).href)
})
