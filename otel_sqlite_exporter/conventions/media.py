"""Read images, sound, video and files in any emitter's shape into GenAI ``blob``, ``uri`` and ``file`` parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from otel_sqlite_exporter.conventions.call import Part

TYPES: Final = (
    "image",
    "image_url",
    "image-url",
    "input_image",
    "image_file",
    "input_audio",
    "audio",
    "audio_url",
    "audio-url",
    "video",
    "video_url",
    "video-url",
    "input_video",
    "file",
    "input_file",
    "document",
    "document_url",
    "document-url",
    "media",
    "binary",
    "blob",
    "uri",
)
"""The ``type`` of parts that hold media."""

KEYS: Final = (
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "image",
    "image_url",
    "input_audio",
    "audio",
    "video",
    "document",
)
"""The key that tells such a part where it carries no type."""

_MODALITIES: Final = ("image", "audio", "video", "document")
_NATIVE: Final = ("blob", "uri")
_DATA_KEYS: Final = ("data", "bytes", "base64", "base64_image", "content", "file_data", "base_64")
_URL_KEYS: Final = (
    "url",
    "uri",
    "file_uri",
    "fileUri",
    "image_url",
    "audio_url",
    "video_url",
    "document_url",
    "s3Location",
)
_TYPE_KEYS: Final = ("mime_type", "media_type", "mimeType", "mediaType", "format", "image_mimetype", "type")
_ID_KEYS: Final = ("file_id", "fileId", "id")


def read_media(item: dict[str, Any]) -> list[Part]:
    """Return one part for a media item; an item that holds no data and no reference is kept as it is.

    Args:
        item: The part as emitted, of any shape.
    """
    if item.get("type") in _NATIVE and "modality" in item:
        return [cast("Part", item)]
    modality = _modality(item)
    found = _search(item, 0)
    url = found.get("url")
    if isinstance(url, str) and url.startswith("data:"):
        return [_data_url(url, modality)]
    if "data" in found:
        mime_type = _mime_type(found.get("mime_type"), modality)
        return [_part("blob", modality, mime_type, "content", found["data"])]
    if url is not None:
        return [_part("uri", modality, _mime_type(found.get("mime_type"), modality), "uri", url)]
    if "file_id" in found:
        return [_part("file", modality, None, "file_id", found["file_id"])]
    return [cast("Part", dict(item))]


def _part(kind: str, modality: str | None, mime_type: str | None, key: str, value: object) -> Part:
    part: Part = {"type": kind}
    if modality:
        part["modality"] = modality
    if mime_type:
        part["mime_type"] = mime_type
    part[key] = cast("Any", value)
    return part


def _data_url(url: str, modality: str | None) -> Part:
    head, _, data = url.partition(",")
    mime_type = head[len("data:") :].partition(";")[0] or None
    return _part("blob", modality or _of_mime_type(mime_type), mime_type, "content", data)


def _modality(item: Mapping[str, Any]) -> str | None:
    for source in (item.get("type"), item.get("block_type"), item.get("modality"), item.get("kind"), *item):
        if isinstance(source, str):
            for modality in _MODALITIES:
                if modality in source:
                    return modality
    return _of_mime_type(next((value for key in _TYPE_KEYS if isinstance(value := _deep(item, key), str)), None))


def _of_mime_type(mime_type: str | None) -> str | None:
    head = (mime_type or "").partition("/")[0]
    if head in _MODALITIES:
        return head
    return "document" if head in ("application", "text") else None


def _mime_type(found: object, modality: str | None) -> str | None:
    if not isinstance(found, str):
        return None
    if "/" in found:
        return found
    return f"{modality}/{found}" if modality in ("image", "audio", "video") and found.isalnum() else None


def _deep(item: Mapping[str, Any], key: str) -> object:
    if key in item:
        return item[key]
    for value in item.values():
        if isinstance(value, dict) and key in value:
            return value[key]
    return None


def _search(item: Mapping[str, Any], depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in item.items():
        if isinstance(value, dict):
            if depth < 4:  # noqa: PLR2004 - {"image": {"image": {"source": {"bytes": ...}}}} is the deepest known
                for name, inner in _search(cast("dict[str, Any]", value), depth + 1).items():
                    found.setdefault(name, inner)
        elif isinstance(value, str) and value:
            _note(found, key, value)
    return found


def _note(found: dict[str, object], key: str, value: str) -> None:
    if key in _URL_KEYS or value.startswith("data:"):
        found["url"] = value
    elif key in _DATA_KEYS:
        found.setdefault("data", value)
    elif key == "image" and len(value) > 64:  # noqa: PLR2004 - Base64 given where others put an object
        found.setdefault("url" if "://" in value[:16] else "data", value)
    elif key in _ID_KEYS:
        found.setdefault("file_id", value)
    elif key in _TYPE_KEYS and (key != "type" or "/" in value):
        found.setdefault("mime_type", value)
