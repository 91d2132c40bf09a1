"""What is found of what is installed, with metadata as installers write it and as they should not."""

import pytest

from tocsin.discovery import installed

GROUP = "tocsin.of_this_test"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Put a distribution's metadata on the path; a later one stands before the earlier ones."""

    def make(folder, metadata, points=f"[{GROUP}]\npager = pager:Pager\n"):
        info = tmp_path / folder / f"{folder.rpartition('/')[2]}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(points)
        monkeypatch.syspath_prepend(str(info.parent))

    return make


def header(name, version="1.0"):
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def test_an_entry_point_has_the_name_and_the_version_of_its_distribution(place):
    place("tocsin_pager-1.0", header("tocsin-pager") + "\nName: another\nVersion: 9\n")
    plugin = installed(GROUP)["pager"]

    assert (plugin.distribution, plugin.version) == ("tocsin-pager", "1.0")
    assert plugin.entry_point.value == "pager:Pager"
    assert plugin.entry_point.dist.version == "1.0"


def test_what_stands_first_on_the_path_hides_another_of_its_name_even_where_it_brings_nothing(place):
    place("old/tocsin_pager-1.0", header("tocsin-pager"))
    assert list(installed(GROUP)) == ["pager"]
    place("new/tocsin_pager-2.0", header("tocsin-pager", "2.0"), "[console_scripts]\npager = pager:main\n")

    assert installed(GROUP) == {}


def test_one_distribution_twice_on_the_path_is_no_rival_of_itself(place):
    place("old/tocsin_pager-1.0", header("tocsin-pager"))
    place("new/tocsin_pager-2.0", header("tocsin-pager", "2.0"))
    plugin = installed(GROUP)["pager"]

    assert (plugin.version, plugin.rivals) == ("2.0", ())


def test_metadata_in_a_folder_of_another_name_counts(place):
    place("odd-1.0", header("tocsin-pager"))

    assert installed(GROUP)["pager"].distribution == "tocsin-pager"


def test_fields_that_are_written_unlike_others_are_read(place):
    place("tocsin_pager-1.0", "Metadata-Version: 2.1\nname: tocsin-pager\nVERSION:1.0\n")
    plugin = installed(GROUP)["pager"]

    assert (plugin.distribution, plugin.version) == ("tocsin-pager", "1.0")


def test_a_group_that_another_begins_with_is_not_the_same(place):
    place("tocsin_pager-1.0", header("tocsin-pager"), f"[{GROUP}.more]\npager = pager:Pager\n")

    assert installed(GROUP) == {}
