import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Disk } from '../../src/disk/disk.js'
import { FileLog } from '../../src/log/file-log.js'
import { inScratch, runChild } from './child.js'
import { shimmed } from './shim/place.js'
import { KEEP_EVERYTHING, PowerLossDisk } from './shim/power-loss.js'
import { readTrace } from './shim/trace.js'

it('no power cut brings back a record that was refused', async () => {
  await inScratch(async (scratch) => {
    const uuid = randomUUID()
    const { place, control, env } = shimmed(scratch)
    control.set(['record', 'noRealSync'])
    const result = await runChild('refused-write', [place.root, place.control, place.marks, uuid], env)
    expect(result.stderr).toBe('')
    expect(control.refused).toBeGreaterThan(0)
    const disk = new PowerLossDisk()
    for (const event of readTrace(place.trace)) {
      disk.apply(event)
      if (event.kind === 'mark') break
    }
    const rebuilt = join(scratch, 'rebuilt')
    // All written bytes have reached the disk, but the truncation has not.
    disk.rebuild(rebuilt, { ...KEEP_EVERYTHING, keepTruncation: () => false })
    const log = await FileLog.open({
      disk: new Disk(rebuilt),
      folder: 'log',
      uuid,
      cleanEnd: null,
      flushedSeq: 0,
    })
    expect(log.lastSeq).toBe(1)
    await log.close()
  })
})
