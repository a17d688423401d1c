import { useState } from 'preact/hooks'
import { ErrorLine, Section } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { bytes } from '../../parts/words'
import { useAsked } from '../../service/polled'
import { useMay } from '../../service/rights'
import { ask, askPlain } from '../../service/session'

interface Snapshot {
  name: string
  creation_time: string | null
  size: number
}

/** Makes, downloads, restores and deletes snapshots. */
export function SnapshotList({ path, name }: { path: string; name: string }) {
  const listed = useAsked((signal) => ask<Snapshot[]>('GET', `${path}/snapshots`, undefined, signal), [path])
  const [error, setError] = useState<Error | null>(null)
  const mayMake = useMay('extras', name)
  const mayTake = useMay('all', name)
  const [isBusy, setIsBusy] = useState(false)
  const [deleted, setDeleted] = useState<string | null>(null)
  const [upload, setUpload] = useState<File | null>(null)
  const run = async (work: () => Promise<unknown>) => {
    setIsBusy(true)
    try {
      await work()
      setError(null)
      listed.again()
    } catch (failure) {
      setError(failure as Error)
    }
    setIsBusy(false)
  }
  const make = (
    <button
      type="button"
      hidden={!mayMake}
      disabled={isBusy}
      onClick={() => void run(() => ask('POST', `${path}/snapshots`))}
    >
      Make one
    </button>
  )
  return (
    <Section title="Snapshots" beside={make}>
      <ErrorLine error={error ?? listed.error} />
      <ul class="results">
        {listed.value?.map(({ name: file, size, creation_time }) => (
          <li key={file}>
            <span />
            <span>
              {file} <span class="quiet">{`${bytes(size)}, ${creation_time ?? ''}`}</span>
            </span>
            <span class="row">
              <button
                type="button"
                class="plain"
                hidden={!mayTake}
                onClick={() => void run(() => save(`${path}/snapshots/${file}`, file))}
              >
                Download
              </button>
              <button type="button" class="danger" hidden={!mayMake} onClick={() => setDeleted(file)}>
                Delete …
              </button>
            </span>
          </li>
        ))}
      </ul>
      <label hidden={!mayTake}>
        Restore from a file
        <input type="file" onChange={(event) => setUpload(event.currentTarget.files?.[0] ?? null)} />
      </label>
      {deleted !== null && (
        <Confirm
          title="Delete the snapshot"
          text={deleted}
          action="Delete it"
          run={async () => {
            await ask('DELETE', `${path}/snapshots/${deleted}`)
          }}
          onDone={() => {
            setDeleted(null)
            listed.again()
          }}
        />
      )}
      {upload && (
        <Confirm
          title="Restore the collection"
          text={`All points of ${name} are replaced by those of ${upload.name} (${bytes(upload.size)}).`}
          name={name}
          action="Replace them"
          run={async () => {
            const form = new FormData()
            form.append('snapshot', upload)
            await ask('POST', `${path}/snapshots/upload?priority=snapshot`, form)
          }}
          onDone={() => setUpload(null)}
        />
      )}
    </Section>
  )
}

/** A link could not send the key, so the file passes through the page. */
async function save(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await askPlain(path)).blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
