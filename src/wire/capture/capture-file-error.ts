/** Why a capture could not be read, in words for the user: what, where, what to do. */
import type { CaptureSummary } from './pcap-file.ts';

export interface CaptureFileError {
  readonly path: string;
  /** Continues the path: `is empty`. */
  readonly what: string;
  /** Byte offset in the file, in the decompressed data where it is compressed. */
  readonly where?: number;
  readonly advice: string;
  /** What was read before it. */
  readonly delivered?: CaptureSummary;
}

export function captureFileError(
  path: string,
  what: string,
  where: number | undefined,
  advice: string,
  delivered?: CaptureSummary,
): CaptureFileError {
  return {
    path,
    what,
    advice,
    ...(where === undefined ? {} : { where }),
    ...(delivered === undefined ? {} : { delivered }),
  };
}

/** The error as one line. */
export function captureFileErrorText(error: CaptureFileError): string {
  const path = error.path === '-' ? 'standard input' : error.path;
  const where = error.where === undefined ? '' : ` (at byte ${error.where})`;
  return `${path} ${error.what}${where}; ${error.advice}`;
}

/** What the operating system said, in our words where they help. */
export function openError(path: string, error: unknown): CaptureFileError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return captureFileError(path, 'does not exist', undefined, 'check the path');
    case 'EACCES':
    case 'EPERM':
      return captureFileError(path, 'may not be read by this user', undefined, 'check its permissions');
    case 'EISDIR':
      return captureFileError(path, 'is a folder, not a capture', undefined, 'give the files in it');
    default: {
      const said = error instanceof Error ? error.message : String(error);
      return captureFileError(path, `cannot be read: ${said}`, undefined, 'check the file and its disk');
    }
  }
}
