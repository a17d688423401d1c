import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Random } from '../oracle/fault-random.js'
import { inScratch, runChild } from './child.js'
import { FOR_EVER, type Rule } from './shim/control.js'
import { shimmed } from './shim/place.js'
import { choiceOf, KEEP_EVERYTHING, PowerLossDisk } from './shim/power-loss.js'
import { readTrace } from './shim/trace.js'

/** Every file below a folder, with its content. */
function contents(folder: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.set(path.slice(folder.length + 1), readFileSync(path).toString('base64'))
  }
  return found
}

describe('the shim', () => {
  // Replaying the trace without loss must give the folder byte for byte, so a write that the shim does not see would be
  // missing.
  it.each(['node', 'lance', 'kernel'])('sees every change that %s makes', async (writer) => {
    await inScratch(async (scratch) => {
      const { place, control, env } = shimmed(scratch)
      control.set(['record'])
      const result = await runChild('three-writers', [place.root, writer], env)
      expect(result.stderr).toBe('')
      expect(result.code).toBe(0)
      const disk = new PowerLossDisk()
      for (const event of readTrace(place.trace)) disk.apply(event)
      disk.rebuild(join(scratch, 'rebuilt'), KEEP_EVERYTHING)
      const real = contents(place.root)
      expect(real.size).toBeGreaterThan(0)
      expect(contents(join(scratch, 'rebuilt'))).toEqual(real)
      expect(control.seen('write')).toBeGreaterThan(0)
    })
  })

  it.each<[string, Rule, RegExp]>([
    ['node', { kinds: ['write'], nth: 1, failure: 'EIO' }, /EIO/],
    ['node', { kinds: ['fsync'], nth: 1, failure: 'EIO' }, /EIO/],
    ['node', { kinds: ['open'], nth: 2, failure: 'EMFILE' }, /EMFILE/],
    ['node', { kinds: ['mkdir'], nth: 1, failure: 'ENOSPC' }, /ENOSPC/],
    // Lance retries, so one failure has no effect.
    ['lance', { kinds: ['write'], nth: 1, times: FOR_EVER, failure: 'ENOSPC' }, /No space left/],
    ['lance', { kinds: ['rename'], nth: 1, times: FOR_EVER, failure: 'EIO' }, /Input\/output error/],
    ['lance', { kinds: ['link'], nth: 1, times: FOR_EVER, failure: 'EIO' }, /Input\/output error/],
    ['kernel', { kinds: ['write'], nth: 1, failure: 'ENOSPC' }, /DISK_FULL/],
    ['kernel', { kinds: ['fsync'], nth: 1, failure: 'EIO' }, /IO_FAILED/],
  ])('fails a call of %s: %j', async (writer, rule, message) => {
    await inScratch(async (scratch) => {
      const { place, control, env } = shimmed(scratch)
      control.fail(rule)
      const result = await runChild('three-writers', [place.root, writer], env)
      expect(control.injected).toBeGreaterThan(0)
      expect(result.code).not.toBe(0)
      expect(result.stderr).toMatch(message)
    })
  })

  it('shortens a write, and a careful writer finishes it', async () => {
    await inScratch(async (scratch) => {
      const { place, control, env } = shimmed(scratch)
      control.fail({ kinds: ['write'], nth: 1, times: 3, failure: 'shortWrite' })
      const result = await runChild('three-writers', [place.root, 'lance'], env)
      expect(control.injected).toBe(3)
      expect(result.code).toBe(0)
    })
  })

  it('fills the disk after a number of bytes, and gives room again', async () => {
    await inScratch(async (scratch) => {
      const { place, control, env } = shimmed(scratch)
      control.limitBytes(2000)
      const full = await runChild('three-writers', [place.root, 'node'], env)
      expect(full.stderr).toMatch(/ENOSPC/)
      expect(control.refused).toBeGreaterThan(0)
      control.set([])
      expect((await runChild('three-writers', [place.root, 'lance'], env)).code).toBe(0)
    })
  })
})

describe('a process that dies of an invalid address', () => {
  it('reports the address', async () => {
    await inScratch(async (scratch) => {
      const result = await runChild('bad-address', [], shimmed(scratch).env)
      expect(result.signal).toBe('SIGSEGV')
      expect(result.stderr).toMatch(/signal 11, code .*, thread node:\n(.*\(.*\) \[0x[0-9a-f]+\]\n){3}/)
    })
  })
})

describe('the power-loss model', () => {
  /** The number of crashes that lose an acknowledged value or show one that never existed. */
  async function broken(manner: string): Promise<number> {
    return await inScratch(async (scratch) => {
      const { place, control, env } = shimmed(scratch)
      control.set(['record', 'noRealSync'])
      const result = await runChild('file-writer', [place.root, place.marks, manner], env)
      expect(result.code).toBe(0)
      const random = new Random(20)
      const disk = new PowerLossDisk()
      let acknowledged = -1
      let failures = 0
      let crashes = 0
      for (const event of readTrace(place.trace)) {
        disk.apply(event)
        if (event.kind === 'mark') acknowledged = Number(event.text)
        const folder = join(scratch, `crash-${crashes++}`)
        disk.rebuild(folder, choiceOf(random))
        const value = contents(folder).get('value')
        const bytes = value === undefined ? Buffer.alloc(0) : Buffer.from(value, 'base64')
        const whole = bytes.length === 5000 && bytes.every((byte) => byte === bytes[0])
        if (acknowledged >= 0 ? !whole || bytes[0]! < acknowledged : value !== undefined && !whole) failures++
      }
      expect(crashes).toBeGreaterThanOrEqual(100)
      return failures
    })
  }

  it('loses nothing of a program that syncs file and folder', async () => {
    expect(await broken('well')).toBe(0)
  })

  it.each(['no-file-sync', 'no-folder-sync', 'rename-first'])('catches a program with %s', async (manner) => {
    expect(await broken(manner)).toBeGreaterThan(0)
  })
})
