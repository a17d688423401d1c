import { toVicinalError } from './errors.js'
import { addon } from './load.js'

/** Another descriptor of the same socket: who is given it has the connection, whatever becomes of the first. */
export function duplicateDescriptor(descriptor: number): number {
  try {
    return addon().duplicateDescriptor(descriptor)
  } catch (error) {
    throw toVicinalError(error)
  }
}
