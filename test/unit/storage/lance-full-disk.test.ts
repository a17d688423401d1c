import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Disk } from '../../../src/disk/disk.js'
import { LanceTable, type TableSpec } from '../../../src/storage/lance-table.js'
import { flushBatch } from './flush-batches.js'

test('a full disk refuses a commit, keeps the previous version, and takes commits again once there is room', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-small-'))
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])
  if (mount.status !== 0) context.skip('needs the right to mount a small disk')
  try {
    const small: TableSpec = {
      disk: new Disk(folder),
      folder: 'c-1',
      collection: 'photos',
      vectors: [{ name: '', size: 64 }],
    }
    await small.disk.makeFolder('c-1')
    const some = (from: number, count: number) =>
      flushBatch(
        Array.from({ length: count }, (_, i) => ({
          id: String(from + i),
          seq: 1,
          vectors: [Array.from({ length: 64 }, (_, d) => Math.sin((from + i) * d))],
        })),
        [64],
      )
    const table = await LanceTable.open(small, 0)
    await table.commit(some(0, 500))
    await table.syncNewFiles()
    const { version } = table
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(1024 * 1024))
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = await table
        .commit(some(500, 4_000))
        .then(() => table.syncNewFiles())
        .catch((error: unknown) => error)
      expect(refused).toMatchObject({ code: 'DISK_FULL', retryable: true })
      expect(table.version).toBe(version)
      expect(await table.countRows()).toBe(500)
    }
    rmSync(join(folder, 'ballast'))
    await table.commit(some(500, 4_000))
    await table.syncNewFiles()
    expect(await table.countRows()).toBe(4_500)
    await table.close()
    const reopened = await LanceTable.open(small, table.version)
    expect(await reopened.countRows()).toBe(4_500)
    await reopened.close()
  } finally {
    execFileSync('umount', [folder])
    rmSync(folder, { recursive: true })
  }
})
