"""A path and a method find their endpoint, or say what would."""

from __future__ import annotations

import pytest

from firmtrail_server.errors import MethodNotAllowed, PathNotFound
from firmtrail_server.http.router import Router


@pytest.fixture
def router() -> Router[str]:
    router = Router[str]()
    router.add("GET", "/things", "list")
    router.add("POST", "/things", "create")
    router.add("GET", "/things/mine", "mine")
    router.add("GET", "/things/{thing_id}", "get")
    router.add("DELETE", "/things/{thing_id}", "remove")
    router.add("DELETE", "/things/{thing_id}/parts/{part_id}", "delete")
    return router


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "segments"),
    [
        ("GET", "/things", "list", ""),
        ("POST", "/things", "create", ""),
        ("GET", "/things/1", "get", "1"),
        ("GET", "/things/mine", "mine", ""),
        ("DELETE", "/things/mine", "remove", "mine"),
        ("DELETE", "/things/mine/parts/2", "delete", "mine 2"),
        ("HEAD", "/things/1", "get", "1"),
        ("DELETE", "/things/a%2Fb/parts/{x}", "delete", "a%2Fb {x}"),
    ],
)
def test_a_path_finds_its_endpoint(router: Router[str], method: str, path: str, endpoint: str, segments: str) -> None:
    assert router.find(method, path) == (endpoint, segments.split())


@pytest.mark.parametrize(
    "path",
    ["", "/", "*", "things", "//things", "/things/", "/things/1/", "/things/1/parts", "/things//parts/2"],
)
def test_a_path_that_is_none_is_not_found(router: Router[str], path: str) -> None:
    with pytest.raises(PathNotFound):
        router.find("GET", path)


@pytest.mark.parametrize(
    ("path", "possible"),
    [
        ("/things", "GET, HEAD, POST"),
        ("/things/mine", "DELETE, GET, HEAD"),
        ("/things/1/parts/2", "DELETE"),
    ],
)
def test_another_method_is_told_which_ones_there_are(router: Router[str], path: str, possible: str) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        router.find("PUT", path)

    assert refused.value.possible == possible
