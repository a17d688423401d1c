import { toVicinalError } from './errors.js'
import { addon } from './load.js'

/** Another descriptor of the same socket. Its holder keeps the connection, even if the first descriptor is closed. */
export function duplicateDescriptor(descriptor: number): number {
  try {
    return addon().duplicateDescriptor(descriptor)
  } catch (error) {
    throw toVicinalError(error)
  }
}
