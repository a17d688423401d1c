/**
 * Keeps numbered values in a folder, correctly or not, and marks each as acknowledged: the smallest program that tests
 * the power-loss model itself.
 *
 *     file-writer <folder> <marks> <well | no-file-sync | no-folder-sync | rename-first>
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const [folder = '', marksPath = '', manner = 'well'] = process.argv.slice(2)
const VALUES = 20
const marks = openSync(marksPath, 'a')

function syncFolder(): void {
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
}

for (let value = 0; value < VALUES; value++) {
  const handle = openSync(join(folder, 'value.tmp'), 'w')
  writeSync(handle, Buffer.alloc(5000, value))
  if (manner === 'rename-first') renameSync(join(folder, 'value.tmp'), join(folder, 'value'))
  if (manner !== 'no-file-sync') fsyncSync(handle)
  closeSync(handle)
  if (manner !== 'rename-first') renameSync(join(folder, 'value.tmp'), join(folder, 'value'))
  if (manner !== 'no-folder-sync') syncFolder()
  writeSync(marks, String(value))
}
