/** One frame of a multiplexed answer (Engine API, ContainerAttach "Stream format"). */
export interface RawFrame {
  readonly stream: number;
  readonly payload: Buffer;
}

/**
 * Takes a complete body apart. As plain as can be and independent of src/docker: it is what that is judged by.
 *
 * @throws Error when the body ends inside of a frame
 */
export function readFrames(body: Buffer): RawFrame[] {
  const frames: RawFrame[] = [];
  let at = 0;
  while (at < body.length) {
    const end = at + 8 + (body.length - at >= 8 ? body.readUInt32BE(at + 4) : 0);
    if (body.length - at < 8 || end > body.length) throw new Error(`the body ends inside the frame at ${at}`);
    frames.push({ stream: body.readUInt8(at), payload: body.subarray(at + 8, end) });
    at = end;
  }
  return frames;
}

/** A frame's payload, its time stamp apart from its text (the newline included, if there is one). */
export interface StampedFrame {
  readonly stream: number;
  readonly stamp: string;
  readonly text: string;
}

/** The frames of a body that was asked for with `timestamps=1`. */
export function readStampedFrames(body: Buffer): StampedFrame[] {
  return readFrames(body).map(({ stream, payload }) => {
    const space = payload.indexOf(0x20);
    return { stream, stamp: payload.toString('latin1', 0, space), text: payload.toString('utf8', space + 1) };
  });
}
