import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ShimControl } from './control.js'
import { shimEnvironment } from './shim.js'

/** The folder in which a program works under the shim, and the settings to start it. */
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
