import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ShimControl } from './control.js'
import { shimEnvironment } from './shim.js'

/** Where a program under the shim works, in a folder of its own, and what it is started with. */
export function shimmed(scratch: string) {
  const place = {
    root: join(scratch, 'root'),
    control: join(scratch, 'control'),
    trace: join(scratch, 'trace'),
    marks: join(scratch, 'marks'),
  }
  mkdirSync(place.root)
  return { place, control: ShimControl.create(place.control), env: shimEnvironment(place) }
}
